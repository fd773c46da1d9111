import { readFileSync } from 'node:fs';
import type { CodegenConfig } from '@graphql-codegen/cli';
import { addKernelTypes } from './subgraphs/kernel/graphql/descriptions.ts';

/**
 * Parent types (mappers) of the GraphQL types whose parent is another shape than the type itself. The compiler requires
 * a resolver for each field that the parent does not have: see `CompleteResolvers` in kernel/http/resolver-types.ts.
 */
const mappers: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  matters: {
    Assignment: '../kernel/events/events.ts#Assignment',
    Delegation: '../kernel/events/events.ts#DelegationFact',
    DelegationImport: './import/store.ts#ImportEntry',
    Guide: './guide/view.ts#GuideView',
    GuideVersion: './guide/view.ts#VersionView',
    ImportProposal: './proposal/view.ts#ImportProposalView',
    IndustryOrgan: './matter.ts#IndustryOrgan',
    LicenseNumberFormat: './license-type/view.ts#NumberFormat',
    LicenseType: '../kernel/license-type/type.ts#LicenseTypeVersion',
    Matter: './matter.ts#Matter',
    MatterChange: './import/import.ts#MatterChange',
    Organ: '../kernel/events/events.ts#OrganFact',
    OrganSuccession: '../kernel/organ/reform.ts#Succession',
    Situation: './situation/view.ts#SituationView',
    Task: './task/view.ts#TaskView',
    TaskOrgan: './task/task.ts#PrintedOrgan',
    TaskProgress: './task/view.ts#ProgressView',
    TaskReport: './task/view.ts#ReportView',
  },
  cases: {
    Appointment: './person/view.ts#AppointmentView',
    Agreement: './agreement/view.ts#AgreementView',
    Assignment: '../kernel/events/events.ts#Assignment',
    AttentionConnection: './attention/resolvers.ts#AttentionConnection',
    AttentionItem: './attention/attention.ts#AttentionRow',
    ApprovalPush: './supervision/view.ts#PushView',
    Calendar: './calendar/store.ts#StoredNotice',
    Case: './reading/view.ts#CaseView',
    CaseConnection: './reading/view.ts#CaseConnection',
    CaseMaterial: './material/view.ts#MaterialView',
    CaseNotice: './notice/resolvers.ts#NoticeView',
    CaseClock: './calendar/clock.ts#CaseClock',
    CaseStatisticsRow: './statistics/view.ts#RowView',
    Delegation: '../kernel/events/events.ts#DelegationFact',
    DutyException: './exception/view.ts#ExceptionView',
    MaterialFile: './material/view.ts#FileView',
    MaterialRead: './material/view.ts#ReadView',
    Matter: '../kernel/http/resolver-types.ts#Reference',
    Platform: './platform/view.ts#PlatformView',
    PlatformKey: './platform/view.ts#KeyView',
    PlatformMessage: './platform/view.ts#MessageView',
    Proposal: './proposal/view.ts#ProposalView',
    Upload: './material/view.ts#UploadView',
    SupervisionFinding: './supervision/view.ts#FindingView',
    Viewer: './person/view.ts#PersonView',
    Webhook: './supervision/view.ts#WebhookView',
  },
  licenses: {
    Blank: './paper/paper.ts#Blank',
    Case: '../kernel/http/resolver-types.ts#Reference',
    CertificateTask: './task/view.ts#TaskView',
    Collection: './library/feed-store.ts#Collection',
    Document: './reading/view.ts#DocumentView',
    License: './reading/view.ts#LicenseView',
    LicenseBatchLine: './batch/view.ts#LineView',
    LicenseAct: './reading/view.ts#ActView',
    LicenseConnection: './reading/view.ts#LicenseConnection',
    LicenseProposal: './proposal/view.ts#LicenseProposalView',
    BlankStock: './stock/stock.ts#StockCount',
    BlankMove: './stock/blank-view.ts#BlankMoveView',
    BlankTransfer: './stock/view.ts#BlankTransferView',
    Registration: './registration/view.ts#RegistrationView',
    LicenseVerification: './verification/workflow.ts#Verification',
    LicenseStatus: './verification/view.ts#PublicStatus',
    LicenseType: './reading/view.ts#LicenseTypeKey',
    PaperCertificate: './paper/store.ts#SheetOnDay',
    SupervisionOrder: './order/store.ts#OrderRow',
  },
  seals: {
    Seal: './view.ts#SealView',
    SealApplication: './application/view.ts#ApplicationView',
    SealGrant: './view.ts#GrantView',
    SealUse: './view.ts#UseView',
  },
};

const subgraphs = ['matters', 'cases', 'licenses', 'seals'];

/** Parents of the types that the kernel gives to every subgraph. */
const KERNEL_PARENTS = {
  AvailableAction: '../kernel/policy.ts#ActionAnswer',
  Refusal: '../kernel/http/resolver-types.ts#RefusalView',
};

/** The mappers of a subgraph. Each parent gets a name that no type of the schema has. */
function mapParents(name: string): Record<string, string> {
  return Object.fromEntries(
    Object.entries(mappers[name] ?? {}).map(([type, parent]) => [type, `${parent} as ${type}Parent`]),
  );
}

/**
 * Reads the schema of a subgraph as its resolvers see it. They find an object by `id` alone: kernel/graphql/node.ts
 * turns the key by which `node` asks into it, and answers `uuid`.
 */
function readSchema(name: string): string {
  const schema = readFileSync(new URL(`subgraphs/${name}/schema.graphql`, import.meta.url), 'utf8');
  return schema
    .replace(/^ *(nodeKey|uuid): .*\n/gm, '')
    .replace(/ @key\(fields: "id"\)(?=.*"nodeKey")/g, '')
    .replaceAll('@key(fields: "nodeKey"', '@key(fields: "id"');
}

/** Maps every payload of a schema to all of its fields or a refusal. */
function mapPayloads(name: string): Record<string, string> {
  const payloads = [...readSchema(name).matchAll(/^type (\w+Payload) /gm)].map(([, payload]) => payload);
  return Object.fromEntries(payloads.map((payload) => [payload, '../kernel/http/resolver-types.ts#Payload<{T}>']));
}

/** Generates the resolver types of each subgraph (`npm run codegen`). The output is git-ignored. */
const config: CodegenConfig = {
  generates: Object.fromEntries(
    subgraphs.map((name) => [
      `subgraphs/${name}/resolvers.gen.ts`,
      {
        schema: addKernelTypes(readSchema(name)),
        plugins: ['typescript', 'typescript-resolvers'],
        config: {
          federation: true,
          contextType: '../kernel/http/context.ts#GraphContext',
          enumsAsTypes: true,
          useTypeImports: true,
          importExtension: '.ts',
          scalars: { Date: 'string', DateTime: 'Date', ID: 'string' },
          maybeValue: 'T | null | undefined',
          optionalInfoArgument: true,
          // The executor fills in defaults, so a resolver always receives these values.
          avoidOptionals: { field: true, inputValue: false, object: true, defaultValue: true },
          immutableTypes: true,
          makeResolverTypeCallable: true,
          showUnusedMappers: false,
          mappers: { ...KERNEL_PARENTS, ...mapPayloads(name), ...mapParents(name) },
        },
      },
    ]),
  ),
};

export default config;
