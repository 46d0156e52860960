// The demo building, as the gateway has it: who goes in and out, and its doors.

import type { Systems } from "./engine/fixture";

export interface Door {
  id: string;
  description: string;
  /** What is written on the plan. */
  label: string;
  /** What becomes of an unlock. */
  unlock: "unlocked" | "refused" | "unsupported";
  floor: FloorName;
  /** Where it is on its floor's plan, in the plan's units. */
  x: number;
  y: number;
}

export interface Person {
  card: string;
  name: string;
  /** Nobody for a card that no system knows. */
  email?: string;
}

export type FloorName = "ground" | "first" | "second" | "below";

export const DOORS: Door[] = [
  door("ground", 104, 196, "lobby", "Main entrance", "Main entrance, ground floor"),
  door("ground", 180, 104, "reception", "Reception", "Reception to lifts"),
  door("ground", 288, 66, "stairs-east", "East stairs", "East stairs, ground floor"),
  door("ground", 72, 66, "stairs-west", "West stairs", "West stairs, ground floor"),
  door("ground", 276, 142, "loading-dock", "Loading dock", "Loading dock; has no remote lock", "unsupported"),
  door("first", 104, 110, "office-1", "Office 1", "Office, first floor"),
  door("first", 262, 110, "laboratory", "Laboratory", "Laboratory"),
  door("second", 104, 110, "office-2", "Office 2", "Office, second floor"),
  door("second", 262, 110, "server-room", "Server room", "Server room"),
  door("below", 74, 110, "car-park", "Car park", "Car park, level -1"),
  door("below", 188, 110, "bicycle-room", "Bicycles", "Bicycle room"),
  door("below", 298, 110, "vault", "Vault", "Vault; never opens from afar", "refused"),
];

/** Nobody here exists; example.org is reserved for examples (RFC 2606). */
export const PEOPLE: Person[] = [
  { card: "1001-0001", name: "Ann Example", email: "ann@example.org" },
  { card: "1001-0002", name: "Bob Sample", email: "bob@example.org" },
  { card: "1001-0003", name: "Zoë Specimen", email: "zoe@example.org" },
  { card: "1001-0004", name: "Nobody O'Fiction", email: "nobody@example.org" },
  { card: "1001-0005", name: "Placeholder Smith", email: "placeholder@example.org" },
  { card: "1001-0006", name: "Test User", email: "test.user@example.org" },
  { card: "1001-0007", name: "例子 太郎", email: "taro@example.org" },
  { card: "1001-0008", name: "Invented Person", email: "invented@example.org" },
  { card: "9999-0000", name: "Unknown card" },
];

/** What can happen at a door. */
export const ACTIONS = [
  { name: "granted", label: "Granted", isOfPerson: true },
  { name: "denied", label: "Denied", isOfPerson: true },
  { name: "request_to_exit", label: "Request to exit", isOfPerson: false },
  { name: "tamper", label: "Tamper", isOfPerson: false },
  { name: "duress", label: "Duress", isOfPerson: true },
  { name: "forced_door", label: "Forced door", isOfPerson: false },
  { name: "security_breach", label: "Security breach", isOfPerson: false },
] as const;

export type Action = (typeof ACTIONS)[number];

/** The building's one security system, as the driver's host has it. */
export const SYSTEMS: Systems = { demo: { doors: DOORS } };

/** A door event as security drivers publish it, JSON text. */
export function eventAt(door: Door, action: Action, person: Person, now: number): string {
  return JSON.stringify({
    module_id: "mod-demo",
    security_system: "demo",
    door_id: door.id,
    timestamp: Math.floor(now / 1000),
    action: action.name,
    ...(action.isOfPerson && { card_id: person.card }),
    ...(action.isOfPerson && person.email && { user_name: person.name, user_email: person.email }),
  });
}

function door(
  floor: FloorName,
  x: number,
  y: number,
  id: string,
  label: string,
  description: string,
  unlock: Door["unlock"] = "unlocked",
): Door {
  return { id, description, label, unlock, floor, x, y };
}
