import { useSignal } from '@preact/signals';
import { AUDIT_ACTIONS, AUDIT_RESULTS, type AuditEntry } from '@streamspace/protocol';
import { useEffect } from 'preact/hooks';
import { Button } from '../parts/button.tsx';
import { Empty, Problem } from '../parts/notice.tsx';
import { useConsole } from '../state/console.ts';
import { useTitle } from '../state/title.ts';
import { choiceOf, deedOf } from '../words/audit.ts';
import { wordsOf } from '../words/sentence.ts';

/** Entries of one page. */
const LIMIT = '50';
/** Most entries of a file for spreadsheets. */
const FILE_LIMIT = '1000';

interface Filter {
  user: string;
  action: string;
  result: string;
}

const queryOf = (filter: Filter, more: Record<string, string>): URLSearchParams => {
  const query = new URLSearchParams(more);
  for (const [name, value] of Object.entries(filter)) if (value !== '') query.set(name, value as string);
  return query;
};

/** The audit log: for admins all of it, for others what they did and what was done to theirs. */
export function AuditPage() {
  const { account, hub } = useConsole();
  useTitle('Audit');
  const filter = useSignal<Filter>({ user: '', action: '', result: '' });
  const entries = useSignal<readonly AuditEntry[] | null>(null);
  const next = useSignal<number | null>(null);
  const problem = useSignal<string | null>(null);
  const load = async (before: number | null, isCurrent: () => boolean = () => true) => {
    try {
      const query = queryOf(filter.value, { limit: LIMIT, ...(before !== null && { before: String(before) }) });
      const page = await hub.audit(query);
      if (!isCurrent()) return;
      entries.value = before === null ? page.items : [...(entries.value ?? []), ...page.items];
      next.value = page.next;
      problem.value = null;
    } catch (error) {
      if (isCurrent()) problem.value = wordsOf(error);
    }
  };
  useEffect(() => {
    let over = false;
    void load(null, () => !over);
    return () => {
      over = true;
    };
  }, [filter.value]);
  const change = (part: Partial<Filter>) => {
    filter.value = { ...filter.value, ...part };
  };
  const { user, action, result } = filter.value;
  return (
    <>
      <div class="page-head">
        <div>
          <h1>Audit</h1>
          <p class="muted">
            {account.admin.value
              ? 'What everybody did, newest first'
              : 'What you did, and what was done to yours, newest first'}
          </p>
        </div>
        <div class="page-actions">
          <Button testid="audit-refresh" icon="again" onClick={() => void load(null)}>
            Look again
          </Button>
          <Button
            testid="audit-csv"
            onClick={() => void save(hub.auditFile(queryOf(filter.value, { limit: FILE_LIMIT })), problem)}
          >
            Save as CSV
          </Button>
        </div>
      </div>
      <search class="list-tools">
        <input
          type="search"
          aria-label="User"
          placeholder="User, such as company:ann"
          data-testid="audit-user"
          maxLength={256}
          value={user}
          onChange={(event) => change({ user: event.currentTarget.value.trim() })}
        />
        <select
          aria-label="What was done"
          data-testid="audit-action"
          value={action}
          onChange={(event) => change({ action: event.currentTarget.value })}
        >
          <option value="">Everything</option>
          {AUDIT_ACTIONS.map((each) => (
            <option key={each} value={each}>
              {choiceOf(each)}
            </option>
          ))}
        </select>
        <select
          aria-label="Result"
          data-testid="audit-result"
          value={result}
          onChange={(event) => change({ result: event.currentTarget.value })}
        >
          <option value="">Any result</option>
          {AUDIT_RESULTS.map((each) => (
            <option key={each} value={each}>
              {each}
            </option>
          ))}
        </select>
      </search>
      {problem.value !== null && <Problem>{problem.value}</Problem>}
      {entries.value?.length === 0 && (
        <Empty title="No entries">
          <p>
            {next.value === null
              ? 'Nothing was done that fits.'
              : 'Nothing among the newest entries fits: look further back.'}
          </p>
        </Empty>
      )}
      {entries.value !== null && entries.value.length > 0 && (
        <ul class="panel audit">
          {entries.value.map((entry) => (
            <Entry key={entry.seq} entry={entry} />
          ))}
        </ul>
      )}
      {next.value !== null && (
        <Button testid="audit-more" onClick={() => void load(next.value)}>
          Earlier entries
        </Button>
      )}
    </>
  );
}

function Entry({ entry }: { entry: AuditEntry }) {
  const { seq, at, address, result, code, details } = entry;
  const more = Object.entries(details).map(([name, value]) => `${name.replaceAll('_', ' ')}: ${value}`);
  return (
    <li data-testid="audit-entry" data-seq={seq}>
      <div>
        {deedOf(entry)}
        {result !== 'ok' && (
          <b>
            {' '}
            — {result} ({code})
          </b>
        )}
        {more.length > 0 && <span class="muted">, {more.join(', ')}</span>}
      </div>
      <p class="muted">
        <time dateTime={at}>{new Date(at).toLocaleString()}</time>, from {address}
      </p>
    </li>
  );
}

/** Has the browser save the file. */
async function save(file: Promise<Blob>, problem: { value: string | null }): Promise<void> {
  try {
    const url = URL.createObjectURL(await file);
    Object.assign(document.createElement('a'), { href: url, download: 'audit.csv' }).click();
    URL.revokeObjectURL(url);
  } catch (error) {
    problem.value = wordsOf(error);
  }
}
