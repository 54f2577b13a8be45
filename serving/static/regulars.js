// What every page does in the browser: numbers and dates as its reader writes them, and forms sent as JSON.
"use strict";

const regulars = (() => {
  const page = document.documentElement;
  const locale = navigator.language;
  const own = locale.split("-")[0] === page.lang; // the server wrote per cent as this language does
  const whole = new Intl.NumberFormat(locale, { maximumFractionDigits: 0 });

  const money = (amount, currency = page.dataset.currency) => {
    const large = Math.abs(amount) >= 1e6;
    const digits = large || (Math.abs(amount) < 1000 && amount !== 0) ? 2 : 0;
    try {
      return new Intl.NumberFormat(locale, {
        style: "currency",
        currency,
        notation: large ? "compact" : "standard",
        currencyDisplay: "narrowSymbol",
        minimumFractionDigits: large ? 0 : digits,
        maximumFractionDigits: digits,
      }).format(amount);
    } catch {
      return null; // a currency that the browser does not know stays as it is
    }
  };

  const share = (part) => {
    const text = (percent) =>
      own ? `${percent}\u00a0%` : new Intl.NumberFormat(locale, { style: "percent" }).format(percent / 100);
    if (part > 0 && part < 0.01) return `<${text(1)}`;
    if (part > 0.99 && part < 1) return `>${text(99)}`;
    return text(Math.round(100 * part));
  };

  const decimal = (number) => {
    const size = Math.abs(number);
    const places = size >= 100 ? 0 : size >= 10 ? 1 : 2;
    return new Intl.NumberFormat(locale, { maximumFractionDigits: places }).format(number);
  };

  const signed = (number) =>
    number === 0 ? null : new Intl.NumberFormat(locale, { signDisplay: "always" }).format(number).replace("-", "\u2212");

  const writers = { count: (number) => whole.format(number), money, share, decimal, signed };

  // A number as a kind of quantity; null when the server's own text is as good.
  const write = (value, kind, currency) => (writers[kind] ? writers[kind](value, currency) : null);

  // A day, or an instant in its own zone, is shown as the day that it names.
  const day = (text, style = "long") =>
    new Intl.DateTimeFormat(locale, { dateStyle: style, timeZone: "UTC" }).format(new Date(text.slice(0, 10)));

  const dayAndMonth = new Intl.DateTimeFormat(locale, { day: "numeric", month: "short", timeZone: "UTC" });

  const localize = (root) => {
    for (const node of root.querySelectorAll("data[data-as]")) {
      const text = write(Number(node.value), node.dataset.as, node.dataset.currency);
      if (text !== null) node.textContent = text;
    }
    for (const node of root.querySelectorAll("time[datetime]")) {
      node.textContent = "short" in node.dataset ? dayAndMonth.format(new Date(node.dateTime)) : day(node.dateTime);
    }
  };

  return { day, localize, locale, write };
})();

document.addEventListener("DOMContentLoaded", () => regulars.localize(document));

// On a phone the navigation is wider than the screen: where one is must be seen. Only sideways, so that nothing else moves.
document.addEventListener("DOMContentLoaded", () => {
  const strip = document.querySelector(".navigation");
  const here = strip?.querySelector("[aria-current]");
  if (here && strip.scrollWidth > strip.clientWidth) {
    const left = here.getBoundingClientRect().left - strip.getBoundingClientRect().left;
    strip.scrollLeft += left - (strip.clientWidth - here.offsetWidth) / 2;
  }
});
document.addEventListener("htmx:after:swap", () => regulars.localize(document));

// The service takes no forms of other sites: what is written is sent as JSON, which they cannot send.
document.addEventListener("htmx:before:request", (event) => {
  const { request } = event.detail.ctx;
  if (request.method !== "POST") return;
  request.headers["Content-Type"] = "application/json";
  request.body = JSON.stringify(Object.fromEntries(new URLSearchParams(request.body)));
});

// What could not be fetched says so in its place, instead of loading for ever.
document.addEventListener("htmx:error", (event) => {
  const place = event.detail.ctx?.target;
  if (!place?.classList.contains("later")) return;
  place.removeAttribute("aria-busy");
  const said = document.createElement("p");
  said.className = "notice bad";
  said.textContent = document.body.dataset.failed;
  place.replaceChildren(said);
});
