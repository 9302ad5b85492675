// Draws dashboards in a browser that reaches no network: pages, dashboards and Prometheus' answers are handed to it.
// usage: node shoot.mjs '{"prometheus": URL, "dashboards": FOLDER, "browser": PATH, "shots": [{"dashboard", "picture", "query"}]}'
// Prints for each picture what every panel shows: data, no data, or a fault.
import { readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { chromium } from 'playwright-core';

const HOME = 'http://dashboards.invalid';
const TYPES = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.json': 'application/json' };
const dist = new URL('dist/', import.meta.url).pathname;

async function answer(route, { prometheus, dashboards }) {
  const asked = new URL(route.request().url());
  if (asked.pathname.startsWith('/prom/')) {
    const real = await fetch(prometheus + asked.pathname.slice('/prom'.length) + asked.search);
    return route.fulfill({ status: real.status, contentType: 'application/json', body: await real.text() });
  }
  const file = asked.pathname.startsWith('/dashboards/')
    ? join(dashboards, asked.pathname.slice('/dashboards/'.length))
    : join(dist, asked.pathname === '/' ? 'index.html' : asked.pathname);
  try {
    return await route.fulfill({ contentType: TYPES[extname(file)] ?? 'application/octet-stream', body: await readFile(file) });
  } catch {
    return route.fulfill({ status: 404, body: '' });
  }
}

async function shoot(browser, work, shot) {
  const width = shot.width ?? 1440, height = shot.height ?? 900;
  const page = await browser.newPage({ viewport: { width, height }, deviceScaleFactor: shot.scale ?? 1 });
  const faults = [];
  page.on('pageerror', (error) => faults.push(String(error).slice(0, 300)));
  await page.route('**/*', (route) => answer(route, work));
  await page.goto(`${HOME}/?dashboard=${shot.dashboard}&width=${width - 16}&${shot.query ?? ''}`);
  await page.waitForSelector('#dashboard', { timeout: 30_000 });
  await page.waitForFunction(() => document.querySelectorAll('.loading').length === 0, null, { timeout: 30_000 });
  await page.waitForTimeout(1000); // uPlot draws in the next frames and says nothing when it is done
  await page.locator('#dashboard').screenshot({ path: shot.picture });
  const panels = await page.$$eval('.panel', (all) => all.map((one) => {
    const inside = (kind) => one.querySelector(`.${kind}`)?.textContent;
    return { title: one.dataset.title, fault: inside('fault') ?? inside('unsupported') ?? null, empty: inside('no-data') ?? null };
  }));
  await page.close();
  return { dashboard: shot.dashboard, picture: shot.picture, panels, faults };
}

const work = JSON.parse(process.argv[2]);
const browser = await chromium.launch({
  executablePath: work.browser,
  args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
});
const told = [];
for (const shot of work.shots) told.push(await shoot(browser, work, shot));
await browser.close();
console.log(JSON.stringify(told, null, 1));
