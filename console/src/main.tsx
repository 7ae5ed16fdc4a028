import '@preact/signals';
import { render } from 'preact';
import { App } from './app.tsx';
import { ConsoleContext, createConsole } from './state/console.ts';
import './style/index.css';

const shared = createConsole();
const app = document.getElementById('app')!;
app.replaceChildren();
render(
  <ConsoleContext.Provider value={shared}>
    <App />
  </ConsoleContext.Provider>,
  app,
);
