import {
  applyFieldOverrides, dataLinksOverrideProcessor, FieldColorModeId, FieldConfigOptionsRegistry,
  identityOverrideProcessor, standardEditorsRegistry, standardFieldConfigEditorRegistry, standardTransformers,
  standardTransformersRegistry, transformDataFrame,
} from '@grafana/data';
import { lastValueFrom } from 'rxjs';

const STANDARD = [
  'displayName', 'unit', 'min', 'max', 'decimals', 'noValue', 'links', 'mappings', 'thresholds', 'color', 'filterable',
];
const CUSTOM = [
  'drawStyle', 'lineWidth', 'lineInterpolation', 'lineStyle', 'fillOpacity', 'gradientMode', 'stacking', 'showPoints',
  'pointSize', 'spanNulls', 'insertNulls', 'barAlignment', 'hideFrom', 'thresholdsStyle', 'scaleDistribution',
  'axisPlacement', 'axisLabel', 'axisSoftMin', 'axisSoftMax', 'axisGridShow', 'axisCenteredZero', 'axisColorMode',
  'axisBorderShow', 'axisWidth', 'align', 'cellOptions', 'width', 'minWidth', 'hidden', 'inspect', 'filterable',
  'wrapText', 'wrapHeaderText', 'fillBelowTo', 'showValues', 'lineColor', 'footer', 'tooltip', 'transform',
];

// Grafana keeps the editors of these properties in its core; to draw, their names and paths are enough.
const property = (id, path, isCustom) => ({
  id, path, isCustom, name: id, settings: {}, editor: () => null, override: () => null, shouldApply: () => true,
  process: id === 'links' ? dataLinksOverrideProcessor : identityOverrideProcessor,
});
const standard = STANDARD.map((id) => property(id, id, false));
const custom = CUSTOM.map((id) => property(`custom.${id}`, id, true));

standardFieldConfigEditorRegistry.setInit(() => standard);
standardEditorsRegistry.setInit(() => []);
// One of them stands under two names.
standardTransformersRegistry.setInit(() =>
  [...new Set(Object.values(standardTransformers))].map((one) => ({
    id: one.id, name: one.name, description: '', transformation: () => Promise.resolve(one),
  })),
);
const registry = new FieldConfigOptionsRegistry(() => [...standard, ...custom]);

// A panel's transformations, then its units, names, colours and overrides.
export async function prepared(panel, frames, replace, theme) {
  const steps = (panel.transformations ?? []).filter((step) => !step.disabled);
  const data = await lastValueFrom(transformDataFrame(steps, frames, { interpolate: replace }));
  const defaults = panel.fieldConfig?.defaults ?? {};
  return applyFieldOverrides({
    data,
    fieldConfig: {
      defaults: { color: { mode: FieldColorModeId.PaletteClassic }, ...defaults },
      overrides: panel.fieldConfig?.overrides ?? [],
    },
    replaceVariables: replace,
    theme,
    timeZone: 'utc',
    fieldConfigRegistry: registry,
  });
}
