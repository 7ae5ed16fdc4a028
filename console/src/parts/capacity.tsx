import type { Agent } from '@streamspace/protocol';
import { byteText } from '../words/quantities.ts';

/** Used part of an agent: sessions, CPU, memory. */
export function CapacityBars({ agent }: { agent: Agent }) {
  const { capacity, used } = agent;
  return (
    <div class="capacity">
      <Bar name="Sessions" used={agent.active_sessions} of={capacity.max_sessions} words={String} />
      <Bar name="CPU" used={used.cpu} of={capacity.cpu_cores} words={(count) => String(Number(count.toFixed(1)))} />
      <Bar name="Memory" used={used.memory} of={capacity.memory_bytes} words={byteText} />
    </div>
  );
}

function Bar({ name, used, of, words }: { name: string; used: number; of: number; words: (count: number) => string }) {
  const share = of > 0 ? Math.min(1, used / of) : 0;
  const tone = share > 0.9 ? 'bad' : share > 0.7 ? 'busy' : 'good';
  return (
    <div class={`meter ${tone}`}>
      <span>{name}</span>
      <div
        class="meter-track"
        role="meter"
        aria-label={`${name} used`}
        aria-valuemin={0}
        aria-valuemax={of}
        aria-valuenow={used}
        aria-valuetext={`${words(used)} of ${words(of)}`}
      >
        <div style={{ width: `${share * 100}%` }} />
      </div>
      <span class="meter-words">
        {words(used)} <small>of {words(of)}</small>
      </span>
    </div>
  );
}
