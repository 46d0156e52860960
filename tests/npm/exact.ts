// The types in git are those that the code exports, to the parameter.

import type * as Built from "../../pkg/rhombus_driver.js";
import type * as Written from "../../pkg/index.js";

type Equal<A, B> =
  (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? true : false;
type Signatures<Class> = {
  [Name in keyof Class]: Class[Name] extends (...args: infer Args) => infer Returned
    ? { args: Args; returned: Returned }
    : never;
};

export const members: Equal<
  Signatures<Built.RhombusDriver>,
  Signatures<Written.RhombusDriver>
> = true;

export const loadTakes: Equal<
  Parameters<typeof Built.RhombusDriver.load>,
  Parameters<typeof Written.RhombusDriver.load>
> = true;

export const loadGives: Equal<
  Signatures<Awaited<ReturnType<typeof Built.RhombusDriver.load>>>,
  Signatures<Awaited<ReturnType<typeof Written.RhombusDriver.load>>>
> = true;

export const statics: Equal<
  keyof typeof Built.RhombusDriver,
  keyof typeof Written.RhombusDriver
> = true;
