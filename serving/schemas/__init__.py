"""What the API takes and gives, as frozen pydantic models, a module a resource."""
