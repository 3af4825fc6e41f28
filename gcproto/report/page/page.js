// The heap map: decodes runs, paints a cell a page, steps through collections.  Everything else on the page needs no script.
"use strict";
(() => {
  const data = document.getElementById("maps");
  if (!data) return;
  const maps = JSON.parse(data.textContent);
  const LETTERS = "Wmseczwu.";
  const dark = matchMedia("(prefers-color-scheme: dark)");

  function cellsOf(runs) {
    const found = [...runs.matchAll(/([A-Za-z.])([0-9]+)/g)].map((run) => [LETTERS.indexOf(run[1]), Number(run[2])]);
    const cells = new Uint8Array(found.reduce((sum, run) => sum + run[1], 0));
    let at = 0;
    for (const [letter, count] of found) {
      cells.fill(letter, at, at + count);
      at += count;
    }
    return cells;
  }

  function size(bytes) {
    return bytes % 1048576 ? (bytes / 1048576).toFixed(2) + " MiB" : bytes / 1048576 + " MiB";
  }

  for (const root of document.querySelectorAll(".heapmap")) {
    const modes = maps[root.dataset.key];
    const pageSize = Number(root.dataset.page);
    const find = (name) => root.querySelector(name);
    const [mode, slider, where, canvas, told] = [".mode", ".step", ".where", "canvas", ".cell"].map(find);
    const buttons = [...root.querySelectorAll(".legend button")];
    const texts = buttons.map((one) => one.querySelector(".what").textContent);
    let only = -1, cells = new Uint8Array(0), columns = 1, side = 1, cursor = -1;

    function colours() {
      const style = getComputedStyle(root);
      return LETTERS.split("").map((_, at) => style.getPropertyValue("--map-" + at).trim());
    }

    function paint() {
      const width = Math.max(120, canvas.clientWidth);
      side = 12;
      while (side > 1 && Math.ceil(cells.length / Math.floor(width / side)) * side > 540) side -= 1;
      columns = Math.floor(width / side);
      const rows = Math.max(1, Math.ceil(cells.length / columns));
      const ratio = Math.max(1, Math.round(devicePixelRatio || 1));
      canvas.width = width * ratio;
      canvas.height = rows * side * ratio;
      canvas.style.height = rows * side + "px";
      const pen = canvas.getContext("2d");
      pen.scale(ratio, ratio);
      const colour = colours();
      const gap = side >= 4 ? 1 : 0;
      for (let at = 0; at < cells.length; ) {
        let end = at + 1;
        const rowEnd = (Math.floor(at / columns) + 1) * columns;
        while (!gap && end < cells.length && end < rowEnd && cells[end] === cells[at]) end += 1;
        pen.globalAlpha = only < 0 || cells[at] === only ? 1 : 0.13;
        pen.fillStyle = colour[cells[at]];
        pen.fillRect((at % columns) * side, Math.floor(at / columns) * side, (end - at) * side - gap, side - gap);
        at = end;
      }
      if (cursor >= 0 && cursor < cells.length) {
        pen.globalAlpha = 1;
        pen.strokeStyle = getComputedStyle(root).getPropertyValue("--ink");
        pen.lineWidth = 2;
        pen.strokeRect((cursor % columns) * side - 1, Math.floor(cursor / columns) * side - 1, side + 2, side + 2);
      }
    }

    function show() {
      const steps = modes[mode.value].steps;
      slider.max = steps.length - 1;
      const step = steps[slider.value];
      cells = cellsOf(step.runs);
      const counts = new Array(LETTERS.length).fill(0);
      for (const one of cells) counts[one] += 1;
      buttons.forEach((button, at) => {
        button.querySelector(".count").textContent = counts[at].toLocaleString("en");
        button.disabled = counts[at] === 0;
      });
      where.textContent = step.name + " (" + (Number(slider.value) + 1) + " of " + steps.length + ")";
      slider.setAttribute("aria-valuetext", where.textContent);
      const words = counts.map((count, at) => (count ? count + " pages " + texts[at] : "")).filter(Boolean);
      canvas.setAttribute("aria-label", "Heap map of " + modes[mode.value].mode + ", " + step.name + ": " + words.join(", "));
      paint();
    }

    function tell(at) {
      if (at < 0 || at >= cells.length) return;
      cursor = at;
      told.textContent = "Page " + at + " of " + cells.length + ", " + size(at * pageSize) + " into the space: " + texts[cells[at]] + ".";
      paint();
    }

    function go(by) {
      slider.value = Number(slider.value) + by;
      show();
    }

    mode.addEventListener("change", () => { slider.value = 0; cursor = -1; show(); });
    slider.addEventListener("input", show);
    find(".back").addEventListener("click", () => go(-1));
    find(".on").addEventListener("click", () => go(1));
    buttons.forEach((button, at) => button.addEventListener("click", () => {
      only = only === at ? -1 : at;
      buttons.forEach((one, other) => one.setAttribute("aria-pressed", String(other === only)));
      paint();
    }));
    canvas.addEventListener("pointermove", (event) => {
      const column = Math.floor(event.offsetX / side);
      if (column < columns) tell(Math.floor(event.offsetY / side) * columns + column);
    });
    canvas.addEventListener("keydown", (event) => {
      const by = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns }[event.key];
      if (!by) return;
      event.preventDefault();
      tell(Math.min(cells.length - 1, Math.max(0, cursor + by)));
    });
    dark.addEventListener("change", paint);
    new ResizeObserver(paint).observe(canvas.parentElement);
    show();
  }
})();
