/**
 * How the shop's page looks: wide and narrow, light and dark.
 */

export const style = `
  :root {
    color-scheme: light dark;
    --page: #fbfaf7; --card: #fff; --line: #dedad0; --text: #24221d; --faint: #6a655a;
    --accent: #1f6f54; --on-accent: #fff; --code: #f3f1ea;
  }
  @media (prefers-color-scheme: dark) {
    :root {
      --page: #191a1b; --card: #222425; --line: #3a3d3f; --text: #e8e6e1; --faint: #a19d94;
      --accent: #7cc9a9; --on-accent: #10241c; --code: #1d1f20;
    }
  }
  * { box-sizing: border-box }
  body {
    margin: 0; padding: 2rem 1rem 3rem; background: var(--page); color: var(--text);
    font: 1rem/1.5 system-ui, sans-serif;
  }
  header, main, footer { max-width: 56rem; margin: 0 auto }
  header, nav { display: flex; flex-wrap: wrap; align-items: center; gap: .5rem 1.2rem }
  header { justify-content: space-between; margin-bottom: 1.8rem }
  a { color: var(--accent) }
  h1, h2, h3 { line-height: 1.2; margin: 0 }
  h1 { font-size: 1.8rem }
  h2 { font-size: 1.2rem }
  h3 { font-size: 1rem }
  p { margin: .4rem 0 }
  .faint { color: var(--faint) }
  .goods {
    display: grid; grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr)); gap: .8rem;
    margin: 1.4rem 0 2.2rem;
  }
  .goods div, .card, footer {
    background: var(--card); border: 1px solid var(--line); border-radius: .6rem;
  }
  .goods div { padding: .9rem 1rem 1rem }
  .goods b { display: block }
  button {
    font: inherit; padding: .3rem .9rem; border: 1px solid var(--accent); border-radius: .4rem;
    background: none; color: var(--accent); cursor: pointer;
  }
  button:hover, button:focus-visible { background: var(--accent); color: var(--on-accent) }
  .goods button { width: 100%; margin-top: .7rem }
  .card { padding: 1.1rem 1.2rem; margin-top: 1rem }
  .login { display: grid; justify-items: start; gap: .9rem; max-width: 24rem }
  .login label { width: 100% }
  input:not([type=checkbox]) {
    font: inherit; display: block; width: 100%; padding: .3rem .5rem; border-radius: .4rem;
    border: 1px solid var(--line); background: var(--page); color: var(--text);
  }
  table { width: 100%; border-collapse: collapse; margin-top: .6rem }
  td { padding: .45rem 0; border-top: 1px solid var(--line) }
  td:first-child { width: 100% }
  .card > table { margin-top: -.4rem }
  .card > table tr:first-child td { border-top: 0 }
  table + form { margin-top: .9rem }
  td + td { padding-left: 1rem; text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums }
  footer { padding: 1.1rem 1.2rem 1.3rem; margin-top: 1rem }
  .sent { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(24rem, 100%), 1fr)); gap: 1rem; margin: 1rem 0 }
  .sent section { min-width: 0 }
  pre {
    margin: .5rem 0 0; padding: .8rem 1rem; overflow-x: auto; border-radius: .4rem;
    background: var(--code); border: 1px solid var(--line);
    font: .85rem/1.55 ui-monospace, "DejaVu Sans Mono", monospace;
  }
`
