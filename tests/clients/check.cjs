// What the vendors' own clients' scripts share: the sandbox's address, a count of what held, and the sandbox's books.
// It knows no vendor.
"use strict";

const { isDeepStrictEqual } = require("node:util");

const sandbox = JSON.parse(process.env.SANDBOX);
let held = 0;

function hold(what, good, seen) {
  if (!good) {
    throw new Error(`${what}: saw ${JSON.stringify(seen)}`);
  }
  held += 1;
}

function equal(what, seen, wanted) {
  hold(`${what} should be ${JSON.stringify(wanted)}`, isDeepStrictEqual(seen, wanted), seen);
}

// The call must be refused, and the refusal must satisfy the test.
async function refused(what, call, test) {
  let answer;
  try {
    answer = await call();
  } catch (error) {
    hold(`${what} is refused for another reason (${error.message})`, test(error), error.body ?? error.code);
    return;
  }
  throw new Error(`${what} was not refused: ${JSON.stringify(answer)}`);
}

async function effects(url, vendor, object, kind) {
  const books = await (await fetch(`${url}/_sandbox/books`)).json();
  return books.effects.filter(
    (effect) => effect.vendor === vendor && effect.object === object && effect.kind === kind && effect.who === "api",
  );
}

async function run(name, script) {
  try {
    await script(sandbox);
    console.log(`${name}: ${held} checks held`);
  } catch (error) {
    console.error(`${name}: FAILED after ${held} checks: ${error.stack}`);
    process.exitCode = 1;
  }
}

module.exports = { hold, equal, refused, effects, run };
