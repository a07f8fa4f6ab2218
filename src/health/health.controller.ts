import { Controller, Get, ServiceUnavailableException } from '@nestjs/common';
import { MailingHealth, type MailingHealthReport } from 'nestjs-mailing';

/** How this process finds itself, and what waits in its database. */
@Controller('health')
export class HealthController {
  constructor(private readonly health: MailingHealth) {}

  /** 200, or 503 with what is to be done. */
  @Get()
  async check(): Promise<MailingHealthReport> {
    const report = await this.health.check();
    if (!report.isHealthy) throw new ServiceUnavailableException(report);
    return report;
  }
}
