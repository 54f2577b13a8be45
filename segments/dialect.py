"""The SQL that conditions are parsed as: sqlglot's own without any of its functions, so that every call is ours."""

from typing import Any, ClassVar

from sqlglot.dialects.dialect import Dialect
from sqlglot.parser import Parser as AnyParser


class Plain(Dialect):
    """Sqlglot's dialect with no function that means something by itself."""

    class Parser(AnyParser):
        """Reads every call as a name with operands."""

        FUNCTIONS: ClassVar[dict[str, Any]] = {}
        FUNCTION_PARSERS: ClassVar[dict[str, Any]] = {}
        NO_PAREN_FUNCTIONS: ClassVar[dict[Any, Any]] = {}
        NO_PAREN_FUNCTION_PARSERS: ClassVar[dict[str, Any]] = {}
