import { Injectable } from '@nestjs/common';
import type { ProfileRepository, RecipientProfile } from 'nestjs-mailing';

/** Profiles of a test, by id; the test fills and changes them. */
@Injectable()
export class ProfileShelf implements ProfileRepository {
  static readonly profiles = new Map<string, RecipientProfile>();

  /** Adds so many profiles: `p0`, `p1` …, each with the address that `addressOf` returns. */
  static fill(count: number, addressOf: (n: number) => string): { userId: string }[] {
    ProfileShelf.profiles.clear();
    return Array.from({ length: count }, (_, n) => {
      ProfileShelf.profiles.set(`p${n}`, { email: addressOf(n) });
      return { userId: `p${n}` };
    });
  }

  async findByIds(ids: string[]): Promise<Map<string, RecipientProfile>> {
    const { profiles } = ProfileShelf;
    return new Map(ids.flatMap((id) => (profiles.has(id) ? [[id, profiles.get(id)!] as const] : [])));
  }
}
