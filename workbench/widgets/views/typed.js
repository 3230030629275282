// Runs in the browser when Python fills a field (`filled`), and when its value changes. What a person
// typed is told together with what the field stood for when the typing began: a busy Python hears it
// late, when the field may stand for another region. `tags` are a count of fillings, the value as
// Python knows it, the detector and the region.
const own = (cb_obj.workbench ??= {fillings: [{when: 0, tags: cb_obj.tags}], known: cb_obj.tags[1]});
const now = window.workbench_typing;
const typing = now?.field && Bokeh.index.find_one(cb_obj)?.input_el === now.field;
if (filled) {
  const filling = {when: performance.now(), tags: cb_obj.tags};
  own.fillings = typing ? [...own.fillings, filling] : [filling];
  own.known = cb_obj.tags[1];
} else if (cb_obj.value !== own.known) {
  const last = own.fillings.at(-1);
  const then = typing ? own.fillings.findLast((one) => one.when <= now.since) ?? last : last;
  const [, , detector, region] = then.tags;
  own.known = cb_obj.value;
  fig.workbench.tell(typed, {detector, region, field: cb_obj.name, value: cb_obj.value});
}
