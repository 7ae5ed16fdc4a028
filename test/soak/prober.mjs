// Asks a URL again and again, as somebody else's process would: prober.mjs URL MILLISECONDS. Prints how long answers took, milliseconds, as JSON.
const [url, ms] = process.argv.slice(2);
const PERIOD_MS = 50;
const times = [];
for (const end = performance.now() + Number(ms); performance.now() < end;) {
  const from = performance.now();
  const answer = await fetch(url).catch(() => undefined);
  await answer?.arrayBuffer();
  if (answer !== undefined) times.push(performance.now() - from);
  await new Promise((resolve) => setTimeout(resolve, PERIOD_MS));
}
process.stdout.write(JSON.stringify(times));
