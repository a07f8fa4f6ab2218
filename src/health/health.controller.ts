import { Controller, Get, ServiceUnavailableException } from '@nestjs/common';
import { MailingHealth, type MailingHealthReport } from 'nestjs-mailing';

/** The state of this process, and the mailings that wait in its database. */
@Controller('health')
export class HealthController {
  constructor(private readonly health: MailingHealth) {}

  /** 200, or 503 with the remedies. */
  @Get()
  async check(): Promise<MailingHealthReport> {
    const report = await this.health.check();
    if (!report.isHealthy) throw new ServiceUnavailableException(report);
    return report;
  }
}
