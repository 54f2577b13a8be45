// Draws every figure.chart from its own table with uPlot, so that what is drawn and what is read are one.
"use strict";

(() => {
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const palette = ["--accent", "--second", "--quiet", "--bad"];

  const cell = (node) => {
    const number = node.querySelector("data");
    return number ? Number(number.value) : null;
  };

  // Reads a chart's table into columns: places along the axis, then a list of numbers for each series.
  const read = (figure) => {
    const rows = [...figure.querySelectorAll("tbody tr")];
    const heads = [...figure.querySelectorAll("thead th")].slice(1);
    const names = rows.map((row) => row.cells[0].textContent);
    const along = rows.map((row, place) => {
      if (figure.dataset.kind === "day") return Date.parse(row.cells[0].querySelector("time").dateTime) / 1000;
      return figure.dataset.kind === "number" ? cell(row.cells[0]) : place;
    });
    const series = heads.map((head, place) => ({
      label: head.textContent,
      draws: head.dataset.draws,
      as: head.dataset.as,
      values: rows.map((row) => cell(row.cells[place + 1])),
    }));
    return { names, along, series };
  };

  const drawn = (each, place) => {
    const ink = colour(palette[place % palette.length]);
    const made = {
      label: each.label,
      stroke: ink,
      width: 2,
      points: { show: false },
      value: (_, value) => (value === null ? "–" : regulars.write(value, each.as) ?? String(value)),
    };
    if (each.draws === "area") made.fill = `${ink}22`;
    if (each.draws === "dots") Object.assign(made, { width: 0, points: { show: true, size: 7, fill: ink } });
    if (each.draws === "low" || each.draws === "high") Object.assign(made, { stroke: `${ink}00`, width: 0 });
    if (each.draws === "bars") {
      Object.assign(made, { fill: `${ink}bb`, width: 0, paths: uPlot.paths.bars({ size: [0.7, 48], radius: 0.15 }) });
    }
    return made;
  };

  // A band and the line within it are one colour: it counts as one series.
  const colours = (series) => {
    let used = -1;
    return series.map((each) => (each.draws === "low" || each.draws === "high" ? Math.max(used, 0) : (used += 1)));
  };

  const options = (figure, { names, along, series }, width) => {
    const { kind } = figure.dataset;
    const axis = { stroke: colour("--quiet"), font: "12px system-ui, sans-serif", ticks: { show: false } };
    const low = series.findIndex((each) => each.draws === "low");
    const high = series.findIndex((each) => each.draws === "high");
    const short = (value) => regulars.write(value, series[0].as) ?? String(value);
    const day = (seconds) => regulars.day(new Date(seconds * 1000).toISOString(), "medium");
    const dayAndMonth = new Intl.DateTimeFormat(regulars.locale, { day: "numeric", month: "short", timeZone: "UTC" });
    const places = colours(series);
    // Bars reach half a step beyond the first and the last place.
    const bars = series.some((each) => each.draws === "bars");
    const step = along.length > 1 ? (along[along.length - 1] - along[0]) / (along.length - 1) : 1;
    const spread = bars ? { range: [along[0] - 0.6 * step, along[along.length - 1] + 0.6 * step] } : {};
    const label = { day, number: String, name: (place) => names[Math.round(place)] ?? "" }[kind];
    return {
      width,
      height: 224,
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "UTC"),
      scales: {
        x: { time: kind === "day", ...spread },
        y: { range: (_, min, max) => uPlot.rangeNum(Math.min(0, min ?? 0), max || 1, 0.05, true) },
      },
      cursor: { drag: { x: false, y: false }, points: { size: 7 } },
      // Where nobody points, the legend tells of the last place.
      hooks: {
        setLegend: [(plot) => plot.legend.idx === null && plot.setLegend({ idx: along.length - 1 }, false)],
        ready: [(plot) => plot.setLegend({ idx: along.length - 1 }, false)],
      },
      axes: [
        kind === "name"
          ? { ...axis, grid: { show: false }, splits: () => along, values: (_, splits) => splits.map(label) }
          : {
              ...axis,
              grid: { show: false },
              // Days and months are counted whole.
              ...(kind === "number" && { incrs: [1, 2, 3, 5, 10, 20, 25, 50, 100, 200, 250, 500, 1000] }),
              ...(kind === "day" && {
                incrs: [1, 2, 7, 14, 28, 56, 91, 182, 364].map((days) => days * 86400),
                values: (_, splits) => splits.map((at) => dayAndMonth.format(at * 1000)),
              }),
            },
        { ...axis, grid: { stroke: colour("--line"), width: 1 }, size: 64, values: (_, splits) => splits.map(short) },
      ],
      series: [
        { label: figure.querySelector("thead th").textContent, value: (_, at) => (at === null ? "–" : label(at)) },
        ...series.map((each, place) => drawn(each, places[place])),
      ],
      bands: low < 0 || high < 0 ? [] : [{ series: [high + 1, low + 1], fill: `${colour("--accent")}22` }],
    };
  };

  const draw = (figure) => {
    const plot = figure.querySelector(".plot");
    const found = read(figure);
    if (found.along.length === 0) {
      figure.querySelector("details").open = true;
      return;
    }
    plot.replaceChildren();
    const columns = [found.along, ...found.series.map((each) => each.values)];
    figure.plotted = new uPlot(options(figure, found, plot.clientWidth), columns, plot);
  };

  const width = new ResizeObserver((entries) => {
    for (const { target } of entries) {
      const { plotted } = target.closest("figure");
      if (plotted && plotted.width !== target.clientWidth) {
        plotted.setSize({ width: target.clientWidth, height: plotted.height });
      }
    }
  });

  const drawAll = (again) => {
    for (const figure of document.querySelectorAll("figure.chart")) {
      if (figure.plotted && !again) continue;
      figure.plotted?.destroy();
      draw(figure);
      width.observe(figure.querySelector(".plot"));
    }
  };

  document.addEventListener("DOMContentLoaded", () => drawAll(false));
  document.addEventListener("htmx:after:swap", () => drawAll(false));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => drawAll(true));
})();
