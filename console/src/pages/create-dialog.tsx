import { useSignal } from '@preact/signals';
import type { CreateSession, Template } from '@streamspace/protocol';
import { Button } from '../parts/button.tsx';
import { Dialog } from '../parts/dialog.tsx';
import { Problem } from '../parts/notice.tsx';
import { wordsOf } from '../words/sentence.ts';
import { useConsole } from '../state/console.ts';
import { placed } from '../words/placed.ts';
import { byteText, cpus } from '../words/quantities.ts';
import { SIZES, wishedSize } from '../words/sizes.ts';

export function CreateDialog({ onClose }: { onClose: () => void }) {
  const { hub, world, toasts } = useConsole();
  const templates = [...world.templates.value.values()];
  const agents = [...world.agents.value.values()];
  const regions = [...new Set(agents.map((agent) => agent.region).filter((region) => region !== ''))].sort();
  const connected = new Set(agents.filter((agent) => agent.connected).map((agent) => agent.platform));

  const chosen = useSignal(templates[0]?.id ?? '');
  const name = useSignal('');
  const region = useSignal('');
  const size = useSignal('template');
  const refusal = useSignal<string | null>(null);
  const busy = useSignal(false);
  const template = world.templates.value.get(chosen.value);

  const create = async () => {
    if (!template || busy.value) return;
    busy.value = true;
    refusal.value = null;
    const wish: CreateSession = {
      template: template.id,
      ...(name.value.trim() !== '' && { name: name.value.trim() }),
      ...(region.value !== '' && { region: region.value }),
      ...wishedSize(size.value, template),
    };
    try {
      const answer = await hub.create(wish);
      world.accept(answer);
      toasts.info(placed(answer.session, template, wish.region));
      onClose();
    } catch (error) {
      refusal.value = wordsOf(error);
      busy.value = false;
    }
  };

  return (
    <Dialog title="New session" onClose={onClose} wide testid="create-dialog">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void create();
        }}
      >
        {templates.length === 0 ? (
          <Problem>The hub has no templates yet: an admin has to add some.</Problem>
        ) : (
          <fieldset class="templates">
            <legend>What do you want to run?</legend>
            {templates.map((each) => (
              <TemplateCard
                key={each.id}
                template={each}
                checked={each.id === chosen.value}
                unavailable={agents.length > 0 && !each.platforms.some((platform) => connected.has(platform))}
                onChoose={() => {
                  chosen.value = each.id;
                }}
              />
            ))}
          </fieldset>
        )}
        <div class="fields">
          <label class="field">
            <span>Name</span>
            <input
              data-testid="session-name"
              maxLength={200}
              placeholder={template?.name ?? ''}
              value={name.value}
              onInput={(event) => {
                name.value = event.currentTarget.value;
              }}
            />
          </label>
          <label class="field">
            <span>Region</span>
            <select
              data-testid="session-region"
              value={region.value}
              onChange={(event) => {
                region.value = event.currentTarget.value;
              }}
            >
              <option value="">Wherever there is room</option>
              {regions.map((each) => (
                <option key={each} value={each}>
                  {each} first
                </option>
              ))}
            </select>
          </label>
          <label class="field">
            <span>Size</span>
            <select
              data-testid="session-size"
              value={size.value}
              onChange={(event) => {
                size.value = event.currentTarget.value;
              }}
            >
              <option value="template">
                As the template says{template ? ` (${cpus(template.cpu)}, ${byteText(template.memory)})` : ''}
              </option>
              {SIZES.map((each) => (
                <option key={each.id} value={each.id}>
                  {each.name} ({cpus(each.cpu)}, {byteText(each.memory)})
                </option>
              ))}
            </select>
          </label>
        </div>
        {refusal.value !== null && (
          <Problem testid="create-refusal">
            <b>The session could not be created.</b> {refusal.value}
          </Problem>
        )}
        <div class="dialog-actions">
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="primary" submit busy={busy.value} disabled={!template} testid="confirm-create">
            Create
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

interface TemplateCardProps {
  template: Template;
  checked: boolean;
  /** A hint that no suitable agent is connected; the hub decides. */
  unavailable: boolean;
  onChoose: () => void;
}

function TemplateCard({ template, checked, unavailable, onChoose }: TemplateCardProps) {
  return (
    <label class="template" data-testid="template-card" data-template={template.id}>
      <input
        type="radio"
        name="template"
        value={template.id}
        checked={checked}
        onChange={onChoose}
        data-autofocus={checked ? '' : undefined}
      />
      <b>{template.name}</b>
      <span>{template.description}</span>
      <small>
        {cpus(template.cpu)} · {byteText(template.memory)} · {template.platforms.join(', ')}
      </small>
      {unavailable && <small class="warn">No agent for it is connected now</small>}
    </label>
  );
}
