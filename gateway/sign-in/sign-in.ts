import { hash, type KeyObject } from 'node:crypto';
import type { IssuerLogout } from '../../subgraphs/cases/person/register.ts';
import type { Person, ResolvePerson } from '../../subgraphs/kernel/actor.ts';
import { createCache } from '../../subgraphs/kernel/cache.ts';
import { type Clock, dayOf, startOfDay } from '../../subgraphs/kernel/day.ts';
import type { SignIn } from '../../subgraphs/kernel/http/context.ts';
import { type Place, placePerson, type ResolvePlace } from '../../subgraphs/kernel/organ/place.ts';
import {
  OWN_TOKEN_SECONDS,
  readToken,
  TOKEN_ISSUER,
  TokenError,
  writeToken,
} from '../../subgraphs/kernel/sealing/token.ts';
import { readIdentity, type TokenRules } from './identity.ts';
import { createIssuerKeys, type IssuerAddress } from './issuer-keys.ts';
import { readLogout } from './logout.ts';
import { readUnverifiedIssuer } from './verification.ts';

/** Finds the person of a token at the hub's edge, and writes the hub's own token for processes behind it. */

/** An identity provider, and what its tokens must be like. */
export type IssuerSettings = IssuerAddress & TokenRules;

export interface SignInOptions {
  issuers: readonly IssuerSettings[];
  resolvePerson: ResolvePerson;
  /** What a person's organ has become by reforms. Absent: there are none. */
  resolvePlace?: ResolvePlace | undefined;
  /** The gateway's own key (Ed25519). Nothing outside the gateway holds it. */
  ownKey: KeyObject;
  /** Key of demo tokens. Null in production: then nobody comes in by a token that the hub itself would have signed. */
  demoKey: KeyObject | null;
  now: Clock;
}

/** The sign-in of the edge, which also reads by what an issuer ends sessions. */
export interface EdgeSignIn extends SignIn {
  /** Reads a logout token. Throws TokenError. */
  readLogout(token: string, at: Date): Promise<IssuerLogout>;
}

/** Rights that have changed, and sessions that have ended, act after this time at the latest. */
export const PERSON_SECONDS = 30;
const MAX_PERSONS = 10_000;
const MAX_PLACES = 1000;
const DAY_MS = 86_400_000;
/** Signing a token for each request of a person costs more than the rest of the gateway's work on it. */
const OWN_TOKEN_REUSE_SECONDS = 20;

/** A value that counts within a period. Before it the clock has been set back, and the value may be too old. */
interface Cached<Value> {
  from: number;
  until: number;
  value: Promise<Value>;
}

function isCurrent({ from, until }: Cached<unknown>, at: Date): boolean {
  return from <= at.getTime() && at.getTime() < until;
}

/** Returns a function that places people at what their organs have become by reforms. It remembers for 30 seconds. */
function createPlacing(resolvePlace: ResolvePlace | undefined): (person: Person, at: Date) => Promise<Person> {
  const places = createCache<Cached<Place>>(MAX_PLACES);
  return async (person, at) => {
    const { organ } = person;
    if (organ === null || !resolvePlace) return person;
    const known = places.get(organ);
    if (known && isCurrent(known, at)) return placePerson(person, await known.value);
    // A reform begins at midnight, so nothing that was found before counts after it.
    const midnight = startOfDay(dayOf(at)).getTime() + DAY_MS;
    const until = Math.min(at.getTime() + PERSON_SECONDS * 1000, midnight);
    const found = { from: at.getTime(), until, value: resolvePlace(organ, at) };
    places.set(organ, found);
    found.value.catch(() => places.delete(organ));
    return placePerson(person, await found.value);
  };
}

/** Creates the sign-in of the edge. Whoever fails to sign in costs one verification, and nobody else is asked. */
export function createSignIn({
  issuers,
  resolvePerson,
  resolvePlace,
  ownKey,
  demoKey,
  now,
}: SignInOptions): EdgeSignIn {
  const readers = new Map(
    issuers.map((settings) => {
      const findKey = createIssuerKeys(settings, now);
      const read = {
        identity: (token: string, at: Date) => readIdentity(token, settings, findKey, at),
        logout: (token: string, at: Date) => readLogout(token, settings, findKey, at),
      };
      return [settings.issuer, read];
    }),
  );
  const persons = createCache<Cached<Person | null>>(MAX_PERSONS);
  const ownTokens = createCache<Cached<string>>(MAX_PERSONS);

  const requireReader = (issuer: string | null) => {
    const reader = issuer === null ? undefined : readers.get(issuer);
    if (!reader) throw new TokenError('TOKEN_INVALID');
    return reader;
  };
  const resolve = async (token: string, issuer: string | null, at: Date): Promise<Cached<Person | null>> => {
    const { identity, expiresAt } = await requireReader(issuer).identity(token, at);
    const until = Math.min(at.getTime() + PERSON_SECONDS * 1000, expiresAt.getTime());
    return { from: at.getTime(), until, value: resolvePerson(identity, at) };
  };
  const readForeign = async (token: string, issuer: string | null, at: Date): Promise<Person> => {
    const digest = hash('sha256', token, 'base64');
    const known = persons.get(digest);
    const isKnown = known !== undefined && isCurrent(known, at);
    const found = isKnown ? known : await resolve(token, issuer, at);
    if (!isKnown) {
      persons.set(digest, found);
      found.value.catch(() => persons.delete(digest));
    }
    const person = await found.value;
    if (!person) throw new TokenError('PERSON_UNKNOWN');
    return person;
  };
  const toPlace = createPlacing(resolvePlace);
  return {
    async readPerson(token, at) {
      const issuer = readUnverifiedIssuer(token);
      if (issuer === TOKEN_ISSUER && demoKey) return toPlace(await readToken(token, demoKey, at), at);
      return toPlace(await readForeign(token, issuer, at), at);
    },
    readLogout: async (token, at) => requireReader(readUnverifiedIssuer(token)).logout(token, at),
    writeToken(person, at) {
      const name = hash('sha256', JSON.stringify(person), 'base64');
      const known = ownTokens.get(name);
      if (known && isCurrent(known, at)) return known.value;
      const value = writeToken(person, ownKey, at, OWN_TOKEN_SECONDS);
      const from = at.getTime();
      ownTokens.set(name, { from, until: from + OWN_TOKEN_REUSE_SECONDS * 1000, value });
      return value;
    },
  };
}
