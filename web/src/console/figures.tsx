// The numbers of the whole.

import { span } from "../shared/time";
import type { Status } from "./api";

const number = new Intl.NumberFormat();

export function Figures({ status }: { status: Status }) {
  const { pending = 0, oldest_pending_seconds: oldest = 0, dead_letters: dead = 0 } = status;
  return (
    <dl class="figures panel">
      <Figure name="Events accepted" value={status.event_count} />
      <Figure name="Delivered" value={status.delivered} />
      <Figure name="Waiting" value={status.pending} note={pending && oldest ? `oldest ${span(oldest * 1000)}` : ""} />
      <Figure name="Dead letters" value={status.dead_letters} note={dead ? "need a decision" : ""} />
    </dl>
  );
}

function Figure({ name, value, note }: { name: string; value: number | undefined; note?: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        {value === undefined ? "–" : number.format(value)}
        {note && <small class="muted"> {note}</small>}
      </dd>
    </div>
  );
}
