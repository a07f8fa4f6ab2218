import type { FactoryProvider, InjectionToken, Type } from '@nestjs/common';

/** Provider of a class that knows nothing of Nest's injector: `inject` is what its constructor takes, in order. */
export function made<T>(type: Type<T>, inject: FactoryProvider['inject'] = []): FactoryProvider<T> {
  return { provide: type, useFactory: (...parts: unknown[]) => new type(...parts), inject };
}

/** As `made`, for a class whose constructor takes its many parts by name. */
export function assembled<T, P extends object>(
  type: new (parts: P) => T,
  parts: { [K in keyof P]: InjectionToken },
): FactoryProvider<T> {
  const names = Object.keys(parts) as (keyof P)[];
  return {
    provide: type,
    useFactory: (...values: unknown[]) =>
      new type(Object.fromEntries(names.map((name, n) => [name, values[n]])) as P),
    inject: names.map((name) => parts[name]),
  };
}
