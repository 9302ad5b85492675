import { createDataFrame, FieldType } from '@grafana/data';
import { from, now, step } from './request.js';

// The answers of a panel's queries as Grafana's Prometheus data source shapes them: a frame a series, or one table.
export async function framesOf(panel, replace) {
  const targets = (panel.targets ?? []).filter((target) => target.expr && !target.hide);
  const answers = await Promise.all(targets.map((target) => ask(target, replace)));
  return answers.flatMap((series, number) => shaped(targets[number], series, targets.length > 1));
}

async function ask(target, replace) {
  const query = `query=${encodeURIComponent(replace(target.expr))}`;
  const address = target.instant
    ? `/prom/api/v1/query?${query}&time=${now}`
    : `/prom/api/v1/query_range?${query}&start=${from}&end=${now}&step=${step}`;
  const answer = await (await fetch(address)).json();
  if (answer.status !== 'success') throw new Error(`${target.expr}: ${answer.error}`);
  return answer.data.result;
}

function shaped(target, series, several) {
  if (target.format === 'table') return series.length ? [table(target, series, several)] : [];
  return series.map((one) => line(target, one));
}

function table(target, series, several) {
  const names = [...new Set(series.flatMap((one) => Object.keys(one.metric)))].sort();
  const last = (one) => Number((one.value ?? one.values.at(-1))[1]);
  const time = (one) => (one.value ?? one.values.at(-1))[0] * 1000;
  return createDataFrame({
    refId: target.refId,
    fields: [
      { name: 'Time', type: FieldType.time, values: series.map(time), config: {} },
      ...names.map((name) => ({
        name, type: FieldType.string, values: series.map((one) => one.metric[name] ?? ''), config: {},
      })),
      { name: several ? `Value #${target.refId}` : 'Value', type: FieldType.number, values: series.map(last), config: {} },
    ],
  });
}

function line(target, one) {
  const points = one.values ?? [one.value];
  const name = legend(target.legendFormat, one.metric);
  return createDataFrame({
    refId: target.refId,
    name,
    fields: [
      { name: 'Time', type: FieldType.time, values: points.map((point) => point[0] * 1000), config: {} },
      {
        name: 'Value', type: FieldType.number, labels: one.metric, values: points.map((point) => Number(point[1])),
        config: { displayNameFromDS: name },
      },
    ],
  });
}

function legend(format, metric) {
  if (format && format !== '__auto') return format.replace(/\{\{\s*(\w+)\s*\}\}/g, (_, name) => metric[name] ?? '');
  const labels = Object.entries(metric).filter(([name]) => name !== '__name__');
  const inner = labels.map(([name, value]) => `${name}="${value}"`).join(', ');
  return `${metric.__name__ ?? ''}{${inner}}`;
}
