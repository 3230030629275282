// Runs in the browser, called on every change of the figure's ranges and size, of the shapes that
// can be dragged, and of the pointer. It keeps pixels square and tells Python, through one channel
// for each kind of message, what is seen and what was done; a burst of changes becomes one message.
// What was done comes with the detector and the region that were shown (`tags` of the polygon's
// handles): a busy Python hears it late.
const SETTLED = 20;      // ms without a further change
const BATCH = 5;         // ms in which a notebook's messages are gathered; Panel's own 50 are felt
const BETWEEN = 100;     // ms between messages during a drag
const NEAR = 5;          // screen pixels between the two clicks of a double click
const PATIENCE = 5000;   // ms to wait for Python's answer
const own = (fig.workbench ??= {timers: {}, sent: 0, down: false, over: false, points: [], dragged: null, about: null});

const later = (what, wait, act) => {
  clearTimeout(own.timers[what]);
  own.timers[what] = setTimeout(act, wait);
};
const tell = (channel, content) => {
  own.sent += 1;
  channel.data = {text: [JSON.stringify({...content, n: own.sent})]};
  later("answer", PATIENCE, () => { notice.visible = heard.data.n[0] < own.sent; });
};
own.tell = tell;
const tell_seen = () => later("seen", SETTLED, () => tell(seen, {
  left: x_range.start, right: x_range.end, top: y_range.end, bottom: y_range.start,
  width: fig.inner_width, height: fig.inner_height, density: window.devicePixelRatio || 1,
}));
const square = () => {
  const [width, height] = [fig.inner_width, fig.inner_height];
  if (!width || !height) return;
  const [cols, rows] = [x_range.end - x_range.start, y_range.start - y_range.end];
  const step = Math.max(cols / width, rows / height);
  const [x, y] = [(x_range.start + x_range.end) / 2, (y_range.start + y_range.end) / 2];
  x_range.setv({start: x - step * width / 2, end: x + step * width / 2});
  y_range.setv({start: y + step * height / 2, end: y - step * height / 2});
};
const sketch_corners = () => sketch.setv({
  xs: own.points.map((one) => one.x), ys: own.points.map((one) => one.y),
  visible: own.points.length > 0,
});
const close = (keep) => {
  // A double click is two corners at one place: its repeat is dropped in Python.
  if (keep && own.points.length > 2) tell(drawn, {
    shape: "polygon", detector: poly.tags[0], rows: own.points.map((one) => one.y), cols: own.points.map((one) => one.x)});
  own.points = [];
  sketch_corners();
};
// The second of two quick clicks is a double click to Bokeh, wherever it is: it may be a corner.
const twice = () => {
  const [first, last] = own.points.slice(-2);
  const step = (x_range.end - x_range.start) / fig.inner_width;
  return last && Math.hypot(last.x - first.x, last.y - first.y) < NEAR * step;
};
const tell_dragged = (final) => {
  clearTimeout(own.timers.drag);
  own.timers.drag = null;
  const shape = own.dragged;
  const [detector, region] = own.about ?? [];
  if (final) own.about = own.dragged = null;
  if (shape === null) return;
  const [rows, cols] = shape === poly ? [Array.from(poly.ys), Array.from(poly.xs)]
    : [[shape.top, shape.bottom], [shape.left, shape.right]];
  const what = shape === poly ? "poly" : shape.name;
  tell(dragged, {detector, region, what, rows, cols, final});
};
// Panel's bridge in notebooks sends all that came from Python back, as if a person had done it, and
// waits before it sends. It does not wait for Python: a kernel that is busy with other cells drops
// what comes before it has opened its end. That stays here until Python greets.
const quieten = () => {
  for (const one of fig.document._all_models.values()) {
    if (!one.type.endsWith("CommManager") || one.workbench) continue;
    const changed = one._document_changed.bind(one);
    one._document_changed = (event) => { if (event.sync !== false) changed(event); };
    one.setv({debounce: BATCH}, {silent: true});
    const [send, comm] = [one.process_events.bind(one), one._client_comm];
    if (comm && !comm.greeted && heard.tags.includes("greets")) {
      one.process_events = () => { if (comm.greeted) send(); };
      own.greeted = () => {
        own.greeted = null;
        comm.greeted = true;  // also for other views of this cell
        setTimeout(() => {    // after all that came with it; one by one: of many, Panel hears one
          for (const event of one._event_buffer.splice(0)) {
            one._event_buffer.push(event);
            send();
          }
        });
      };
    }
    one.workbench = true;
  }
};
// What a person is typing stays in the field, whatever Python sends there meanwhile.
const keep_typing = () => {
  if (window.workbench_typing) return;
  const now = (window.workbench_typing = {field: null, text: "", since: 0});
  const watch = () => {
    if (now.field === null) return;
    if (now.field.value !== now.text) now.field.value = now.text;
    requestAnimationFrame(watch);
  };
  const field_of = (event) => {
    const one = event.composedPath()[0];
    return one.classList?.contains("bk-input") && one.tagName === "INPUT" ? one : null;
  };
  window.addEventListener("input", (event) => {  // after Bokeh, which takes letters out of numbers
    const field = field_of(event);
    if (field === null) return;
    const begins = now.field !== field;
    Object.assign(now, {field, text: field.value});
    if (!begins) return;
    now.since = performance.now();
    field.addEventListener("change", () => { setTimeout(() => { now.field = null; }); }, {once: true});
    watch();
  });
  window.addEventListener("focusout", (event) => {  // before Bokeh, which shows the old value again
    if (now.field === null || field_of(event) !== now.field) return;
    now.field.value = now.text;
    now.field.dispatchEvent(new Event("change"));
  }, true);
};
// Bokeh takes a button that is held still for 300 ms for a gesture of its own, which the editor has
// no use for: a stroke that begins slowly, or in a page that is busy then, would draw nothing.
const allow_slow_strokes = () => {
  for (const view of Bokeh.index.find_all(fig)) {
    const gestures = view.canvas_view?.ui_event_bus?.ui_gestures;
    if (gestures) gestures._pointer_timeout = () => {};
  }
};
const KEYS = ["ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight", "Delete", "Backspace"];
const listen = () => {
  if (own.listening) return;
  own.listening = true;
  window.addEventListener("pointerdown", () => { own.down = true; }, true);
  window.addEventListener("pointerup", () => {
    own.down = false;
    setTimeout(() => tell_dragged(true));  // after Bokeh has handled it
  }, true);
  // On the window, before JupyterLab's own shortcuts (where Delete and arrows act on cells).
  window.addEventListener("keydown", (event) => {
    const field = event.composedPath()[0];
    // JupyterLab takes Enter for itself: what was typed would wait until the field is left.
    if (event.key === "Enter" && field.classList?.contains("bk-input"))
      field.dispatchEvent(new Event("change"));
    if (["Enter", " "].includes(event.key) && field.classList?.contains("bk-tab")) {
      event.preventDefault();
      event.stopImmediatePropagation();
      return field.click();  // a tab takes the focus, but no key
    }
    const focused = event.composedPath().includes(Bokeh.index.find_one(fig)?.el);
    const undo = event.key.toLowerCase() === "z" && (event.ctrlKey || event.metaKey);
    const typing = event.composedPath().some((one) =>
      ["INPUT", "TEXTAREA", "SELECT"].includes(one.tagName) || one.isContentEditable);
    const corner = own.points.length && ["Enter", "Escape"].includes(event.key);
    if (!(own.over || focused) || typing || !(undo || corner || KEYS.includes(event.key))) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    if (corner) return close(event.key === "Enter");
    const key = undo ? (event.shiftKey ? "redo" : "undo") : event.key;
    tell(pressed, {detector: poly.tags[0], region: poly.tags[1], key, large: event.shiftKey});
  }, true);
};

// The still picture is for where this script does not run.
for (const one of document.querySelectorAll(`[data-workbench-still="${fig.id}"]`)) one.remove();
listen();
quieten();
keep_typing();
const name = cb_obj.event_name;
if (name === "mouseenter" || cb_obj === fig) allow_slow_strokes();
if (name === "mouseenter") own.over = true;
else if (name === "mouseleave") own.over = false;
else if (["tap", "doubletap"].includes(name) && fig.tags[0] === "polygon") {
  own.points.push({x: cb_obj.x, y: cb_obj.y});
  if (name === "doubletap" && twice()) close(true);
  else sketch_corners();
}
else if (["tap", "doubletap"].includes(name)) tell(tapped, {row: cb_obj.y, col: cb_obj.x});
else if (name === "selectiongeometry") {
  const shape = cb_obj.geometry;
  if (cb_obj.final) tell(drawn, {shape: fig.tags[0], detector: poly.tags[0],
    rows: [shape.y0, shape.y1], cols: [shape.x0, shape.x1]});
}
else if (cb_obj === heard) {
  notice.visible = false;
  own.greeted?.();
}
else if (cb_obj === again) {
  const [top, bottom, left, right] = again.data.range[0];
  x_range.setv({start: left, end: right});
  y_range.setv({start: bottom, end: top});
  square();
  tell_seen();
}
else if (name === undefined && cb_obj === fig && cb_obj.tags[0] !== "polygon" && own.points.length) close(false);
else if (cb_obj === fig) { square(); tell_seen(); }
else if (cb_obj === x_range || cb_obj === y_range) tell_seen();
else if (own.down) {
  own.about ??= poly.tags;
  // Python shows another region by now: what its handles do is no drag.
  own.dragged = own.about === poly.tags ? cb_obj : null;
  own.timers.drag ??= setTimeout(() => tell_dragged(false), BETWEEN);
}
