import React from 'react';
import {
  dateTime, FieldType, getDisplayValueAlignmentFactors, getFieldDisplayValues, renderTextPanelMarkdown, VizOrientation,
} from '@grafana/data';
import {
  BarGauge, BigValue, BigValueColorMode, BigValueGraphMode, BigValueJustifyMode, BigValueTextMode, Table, TimeSeries,
  VizRepeater,
} from '@grafana/ui';
import { from, now } from './request.js';

const timeRange = {
  from: dateTime(from * 1000), to: dateTime(now * 1000),
  raw: { from: dateTime(from * 1000), to: dateTime(now * 1000) },
};

// A panel's inside; `frames` is what its queries gave, after transformations and overrides.
export function Inside(props) {
  const drawn = DRAWN[props.panel.type];
  if (!drawn) return <div className="unsupported" style={{ color: 'orange' }}>cannot draw {props.panel.type}</div>;
  if (props.panel.type !== 'text' && !hasData(props.frames)) return <Empty panel={props.panel} />;
  return drawn(props);
}

const hasData = (frames) => frames.some((frame) => frame.length > 0 && frame.fields.some((f) => f.type !== FieldType.time));

function Empty({ panel }) {
  const text = panel.fieldConfig?.defaults?.noValue || 'No data';
  const style = { display: 'flex', height: '100%', alignItems: 'center', justifyContent: 'center', color: '#9fa7b3' };
  return <div className="no-data" style={{ ...style, textAlign: 'center', padding: '0 8px' }}>{text}</div>;
}

function drawTimeSeries({ panel, frames, width, height }) {
  const legend = { showLegend: true, displayMode: 'list', placement: 'bottom', calcs: [], ...panel.options?.legend };
  return (
    <TimeSeries frames={frames.map(withDefaults)} width={width} height={height} timeRange={timeRange} timeZone="utc"
      legend={legend} options={panel.options ?? {}} />
  );
}

// What the editor of a time series would have filled in.
function withDefaults(frame) {
  for (const field of frame.fields) {
    if (field.type !== FieldType.number) continue;
    field.config.custom = { drawStyle: 'line', lineWidth: 1, fillOpacity: 0, showPoints: 'auto', ...field.config.custom };
  }
  return frame;
}

function displayValues({ panel, frames, replace, theme }, sparkline) {
  return getFieldDisplayValues({
    fieldConfig: panel.fieldConfig ?? { defaults: {}, overrides: [] },
    reduceOptions: { calcs: ['lastNotNull'], values: false, ...panel.options?.reduceOptions },
    replaceVariables: replace, theme, data: frames, sparkline, timeZone: 'utc',
  });
}

function drawStat(props) {
  const { panel, width, height, theme } = props;
  const options = panel.options ?? {};
  const values = displayValues(props, (options.graphMode ?? 'area') !== 'none');
  const one = (value, w, h) => (
    <BigValue width={w} height={h} theme={theme} value={value.display} sparkline={value.sparkline}
      colorMode={options.colorMode ?? BigValueColorMode.Value} graphMode={options.graphMode ?? BigValueGraphMode.Area}
      justifyMode={options.justifyMode ?? BigValueJustifyMode.Auto} textMode={options.textMode ?? BigValueTextMode.Auto}
      count={values.length} wideLayout={options.wideLayout} text={options.text} />
  );
  return (
    <VizRepeater getValues={() => values} renderValue={({ value, width: w, height: h }) => one(value, w, h)} source={values}
      width={width} height={height} itemSpacing={3} orientation={options.orientation ?? VizOrientation.Auto} autoGrid
      renderCounter={0} />
  );
}

function drawBarGauge(props) {
  const { panel, width, height, theme } = props;
  const options = panel.options ?? {};
  const values = displayValues(props, false);
  const one = ({ value, width: w, height: h, count, orientation, alignmentFactors }) => (
    <BarGauge value={value.display} width={w} height={h} theme={theme} field={value.field} orientation={orientation}
      display={value.view?.getFieldDisplayProcessor(value.colIndex)} displayMode={options.displayMode ?? 'gradient'}
      valueDisplayMode={options.valueMode ?? 'color'} namePlacement={options.namePlacement ?? 'auto'} alignmentFactors={alignmentFactors} itemSpacing={8} lcdCellWidth={12}
      showUnfilled={options.showUnfilled ?? true} text={options.text} count={count} />
  );
  return (
    <VizRepeater getValues={() => values} renderValue={one} source={values} width={width} height={height} renderCounter={0}
      itemSpacing={8} minVizHeight={options.minVizHeight ?? 10} minVizWidth={options.minVizWidth ?? 0}
      orientation={options.orientation ?? VizOrientation.Horizontal}
      getAlignmentFactors={getDisplayValueAlignmentFactors} />
  );
}

function drawTable({ panel, frames, width, height }) {
  const sortBy = (panel.options?.sortBy ?? []).map(({ displayName, desc }) => ({ displayName, desc }));
  return (
    <Table data={frames[0]} width={width} height={height} timeRange={timeRange} initialSortBy={sortBy}
      cellHeight={panel.options?.cellHeight ?? 'sm'} fieldConfig={panel.fieldConfig} />
  );
}

function drawText({ panel, replace }) {
  const text = renderTextPanelMarkdown(replace(panel.options?.content ?? ''));
  return <div className="markdown-html" style={{ overflow: 'hidden' }} dangerouslySetInnerHTML={{ __html: text }} />;
}

const DRAWN = { timeseries: drawTimeSeries, stat: drawStat, bargauge: drawBarGauge, table: drawTable, text: drawText };
