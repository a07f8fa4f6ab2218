import type { WatchedSuppressionList } from '../../delivery/recipients/suppression.gate.js';
import type { ParameterProcessor } from '../../model/ports/parameter.processor.js';
import type { ProfileRepository } from '../../model/ports/profile.repository.js';
import type { SuppressionList } from '../../model/ports/suppression-list.js';

/** The host's profile repository, which is found once all modules have been put together. */
export class HostProfiles {
  /** Null: the host gave none, or it has not been found yet. */
  repository: ProfileRepository | null = null;
}

/** The host's parameter processor, which is found once all modules have been put together. */
export class HostProcessor {
  /** Null: the host gave none, or it has not been found yet. */
  processor: ParameterProcessor | null = null;
}

/** The suppression list that mailings ask: the plugin's table, or the host's once it has been found. */
export class ActiveSuppressions implements Pick<WatchedSuppressionList, 'revision'> {
  /** Changes with each change that this process makes. */
  revision = 0;

  /** @param list null: none is asked, or the host's has not been found yet. */
  constructor(public list: SuppressionList | null) {}
}
