// The floor plans, drawn in code. Doors are buttons that lie on the drawing, so that they are buttons for
// everybody: for a finger, for the keyboard, for a screen reader.

import { DOORS, type Door, type FloorName } from "./building";

interface Floor {
  name: FloorName;
  title: string;
  /** Inner walls; outside there is always the same. */
  walls: string;
  rooms: [x: number, y: number, name: string][];
}

const [WIDTH, HEIGHT] = [360, 220];

const FLOORS: Floor[] = [
  {
    name: "ground",
    title: "Ground floor",
    walls: "M128 16V66H16M232 16V66H344M128 66V104H232V66M208 196V142H344",
    rooms: [
      [72, 40, "Stairs"],
      [288, 40, "Stairs"],
      [180, 50, "Lifts"],
      [90, 146, "Lobby"],
      [276, 182, "Dock"],
    ],
  },
  {
    name: "first",
    title: "First floor",
    walls: "M16 110H344M188 16V110",
    rooms: [
      [104, 58, "Office 1"],
      [264, 58, "Laboratory"],
      [180, 162, "Corridor"],
    ],
  },
  {
    name: "second",
    title: "Second floor",
    walls: "M16 110H344M188 16V110",
    rooms: [
      [104, 58, "Office 2"],
      [264, 58, "Servers"],
      [180, 162, "Corridor"],
    ],
  },
  {
    name: "below",
    title: "Level −1",
    walls: "M16 110H344M126 16V110M250 16V110",
    rooms: [
      [70, 58, "Cars"],
      [188, 58, "Bicycles"],
      [298, 58, "Vault"],
      [180, 162, "Ramp"],
    ],
  },
];

interface Props {
  /** What was last heard of a door, by its id. */
  last: Map<string, { told: string; isGood: boolean }>;
  /** Somebody came to a door. */
  onDoor(door: Door): void;
}

export function Plan({ last, onDoor }: Props) {
  return (
    <div class="floors">
      {FLOORS.map((floor) => (
        <figure key={floor.name} class="floor">
          <figcaption>{floor.title}</figcaption>
          <div class="drawing">
            <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} aria-hidden="true">
              <rect class="outside" x="16" y="16" width={WIDTH - 32} height={HEIGHT - 40} />
              <path class="wall" d={floor.walls} />
              {floor.rooms.map(([x, y, name]) => (
                <text key={name} x={x} y={y} text-anchor="middle">
                  {name}
                </text>
              ))}
            </svg>
            {DOORS.filter((door) => door.floor === floor.name).map((door) => (
              <DoorButton key={door.id} door={door} last={last.get(door.id)} onDoor={onDoor} />
            ))}
          </div>
        </figure>
      ))}
    </div>
  );
}

function DoorButton(props: {
  door: Door;
  last: { told: string; isGood: boolean } | undefined;
  onDoor: Props["onDoor"];
}) {
  const { door, last, onDoor } = props;
  return (
    <button
      type="button"
      class={`door${last ? (last.isGood ? " good" : " bad") : ""}`}
      style={{ left: `${(100 * door.x) / WIDTH}%`, top: `${(100 * door.y) / HEIGHT}%` }}
      onClick={() => onDoor(door)}
      onDragOver={(event) => event.preventDefault()}
      onDrop={(event) => {
        event.preventDefault();
        onDoor(door);
      }}
    >
      <span>{door.label}</span>
      {last && <small>{last.told}</small>}
    </button>
  );
}
