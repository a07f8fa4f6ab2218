import { Injectable, Module } from '@nestjs/common';
import { InjectRepository, TypeOrmModule } from '@nestjs/typeorm';
import type { ProfileRepository, RecipientProfile } from 'nestjs-mailing';
import { In, type Repository } from 'typeorm';
import { Customer } from './customer.entity.js';

/** Reads its table by the repository that Nest injects, which is that of the caller's open transaction where there is one. */
@Injectable()
export class ShopProfiles implements ProfileRepository {
  constructor(@InjectRepository(Customer) private readonly customers: Repository<Customer>) {}

  async findByIds(ids: string[]): Promise<Map<string, RecipientProfile>> {
    const rows = await this.customers.findBy({ number: In(ids) });
    return new Map(
      rows.map(({ number, mail, wantsMail }) => [
        `${number}`,
        { email: mail, receiveEmail: wantsMail !== 0 },
      ]),
    );
  }

  async setLastEmailed(ids: string[], at: Date): Promise<void> {
    await this.customers.update({ number: In(ids) }, { lastMail: at });
  }
}

@Module({ imports: [TypeOrmModule.forFeature([Customer])], providers: [ShopProfiles] })
export class ShopModule {}
