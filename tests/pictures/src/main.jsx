import React from 'react';
import { createRoot } from 'react-dom/client';
import { createTheme, ThemeContext } from '@grafana/data';
import { GlobalStyles, PanelChrome } from '@grafana/ui';
import 'uplot/dist/uPlot.min.css';
import { framesOf } from './prometheus.js';
import { prepared } from './fields.js';
import { Inside } from './panels.jsx';
import { replacing, variablesOf, width } from './request.js';

const theme = createTheme({ colors: { mode: 'dark' } });
// Grafana's grid: 24 columns, rows of 30 pixels, 8 between panels.
const COLUMN = (width + 8) / 24, ROW = 38, GAP = 8, HEAD = 48;

// A panel that cannot be drawn must not take the others with it.
class Kept extends React.Component {
  state = {};
  static getDerivedStateFromError(error) { return { error }; }
  render() { return this.state.error ? <Fault error={this.state.error} /> : this.props.children; }
}

const Fault = ({ error }) => <pre className="fault" style={{ color: 'red' }}>{String(error)}</pre>;

function Panel({ panel, replace, w, h }) {
  const [state, setState] = React.useState({});
  React.useEffect(() => {
    framesOf(panel, replace)
      .then((frames) => prepared(panel, frames, replace, theme))
      .then((frames) => setState({ frames }), (error) => setState({ error }));
  }, []);
  if (state.error) return <Fault error={state.error} />;
  if (!state.frames) return <i className="loading">…</i>;
  return <Inside panel={panel} frames={state.frames} replace={replace} theme={theme} width={w} height={h} />;
}

function Framed({ panel, replace }) {
  const at = panel.gridPos;
  const w = at.w * COLUMN - GAP, h = at.h * ROW - GAP;
  const place = { position: 'absolute', left: at.x * COLUMN, top: at.y * ROW, width: w, height: h };
  const title = replace(panel.title);
  if (panel.type === 'row') return <h4 style={{ ...place, color: '#ccccdc', margin: '6px 4px' }}>{title}</h4>;
  return (
    <div style={place} className="panel" data-title={title}>
      <PanelChrome title={title} description={panel.description} width={w} height={h} displayMode={panel.transparent ? 'transparent' : 'default'}>
        {(iw, ih) => <Kept><Panel panel={panel} replace={replace} w={iw} h={ih} /></Kept>}
      </PanelChrome>
    </div>
  );
}

function Head({ dashboard, values }) {
  const shown = (dashboard.templating?.list ?? []).filter((one) => one.type !== 'datasource' && one.hide !== 2);
  const word = (one) => (values[one.name] === (one.allValue ?? '.*') ? 'All' : values[one.name]);
  const chip = { background: '#22252b', borderRadius: 2, padding: '5px 9px', marginLeft: 12, fontSize: 12 };
  return (
    <div style={{ height: HEAD, display: 'flex', alignItems: 'center', color: '#ccccdc' }}>
      <b style={{ fontSize: 17 }}>{dashboard.title}</b>
      {shown.map((one) => <span key={one.name} style={chip}>{one.label || one.name} <b>{word(one)}</b></span>)}
    </div>
  );
}

function Dashboard({ dashboard }) {
  const values = variablesOf(dashboard), replace = replacing(values);
  const panels = dashboard.panels.flatMap((panel) => [panel, ...(panel.panels ?? [])]);
  const rows = Math.max(...panels.map((panel) => panel.gridPos.y + panel.gridPos.h));
  return (
    <div style={{ width: width + 16, padding: '0 8px 8px' }} id="dashboard">
      <Head dashboard={dashboard} values={values} />
      <div style={{ position: 'relative', height: rows * ROW }}>
        {panels.map((panel) => <Framed key={panel.id ?? panel.title} panel={panel} replace={replace} />)}
      </div>
    </div>
  );
}

const answer = await fetch(`/dashboards/${new URLSearchParams(location.search).get('dashboard')}.json`);
createRoot(document.getElementById('root')).render(
  <ThemeContext.Provider value={theme}><GlobalStyles /><Dashboard dashboard={await answer.json()} /></ThemeContext.Provider>,
);
