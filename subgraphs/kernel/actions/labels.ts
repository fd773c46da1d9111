/** What a button says. */
export interface ActionLabel {
  zh: string;
  en: string;
}

/** The words of every mutation that a field `actions` offers. A new action needs a row. */
export const ACTION_LABELS: Readonly<Record<string, ActionLabel>> = {
  // cases
  acceptApplication: { zh: '受理', en: 'Accept' },
  askSupplement: { zh: '一次性告知补正', en: 'Ask for a supplement' },
  supplementCase: { zh: '补正', en: 'Supplement' },
  closeUnsupplemented: { zh: '补交不来办结', en: 'Close for want of a supplement' },
  refuseAcceptance: { zh: '不予受理', en: 'Refuse acceptance' },
  examineCase: { zh: '审查', en: 'Examine' },
  forwardCase: { zh: '转报', en: 'Forward to the city' },
  sendBackCase: { zh: '退回补充审查', en: 'Send back' },
  amendCase: { zh: '修改制证信息', en: 'Amend the content' },
  pauseCase: { zh: '中止计时', en: 'Pause the clock' },
  resumeCase: { zh: '恢复计时', en: 'Resume the clock' },
  decideCase: { zh: '决定', en: 'Decide' },
  withdrawCase: { zh: '撤回申请', en: 'Withdraw the application' },
  deliverDecision: { zh: '送达决定文书', en: 'Deliver the decision' },
  // supervision
  claimPush: { zh: '领取', en: 'Claim' },
  signPush: { zh: '签收', en: 'Sign for the push' },
  recordFinding: { zh: '登记监管反馈', en: 'Record a finding' },
  acknowledgeFinding: { zh: '签收监管反馈', en: 'Acknowledge the finding' },
  closeFinding: { zh: '销号', en: 'Close the finding' },
  // acts on licenses
  issueLicense: { zh: '制发', en: 'Issue' },
  changeLicense: { zh: '变更', en: 'Change' },
  renewLicense: { zh: '延续', en: 'Renew' },
  reissueLicense: { zh: '补发', en: 'Reissue' },
  retainLicense: { zh: '保留', en: 'Retain' },
  transferLicense: { zh: '转让', en: 'Transfer' },
  correctLicense: { zh: '更正', en: 'Correct' },
  suspendLicense: { zh: '暂扣', en: 'Suspend' },
  restoreLicense: { zh: '恢复', en: 'Restore' },
  rescindLicense: { zh: '撤销', en: 'Rescind' },
  withdrawLicense: { zh: '撤回', en: 'Withdraw' },
  revokeLicense: { zh: '吊销', en: 'Revoke' },
  cancelLicense: { zh: '注销', en: 'Cancel' },
  declineOrder: { zh: '不予办理监管指令', en: 'Decline the order' },
  deliverCertificate: { zh: '送达纸质证照', en: 'Deliver the certificate' },
  spoilBlank: { zh: '作废空白证照', en: 'Spoil the blank' },
  recallCertificate: { zh: '收回纸质证照', en: 'Recall the certificate' },
  redriveCollection: { zh: '重新归集', en: 'Send to the library again' },
  voidTask: { zh: '作废制证任务', en: 'Void the task' },
  decideLicenseProposal: { zh: '审批拟办', en: 'Decide the proposal' },
  withdrawLicenseProposal: { zh: '撤回拟办', en: 'Withdraw the proposal' },
  decideBlankTransfer: { zh: '确认接收空白证照', en: 'Confirm the transfer' },
  withdrawBlankTransfer: { zh: '撤回调拨', en: 'Withdraw the transfer' },
  decideRegistration: { zh: '审批存量证照台账', en: 'Decide the ledger' },
  withdrawRegistration: { zh: '撤回存量证照台账', en: 'Withdraw the ledger' },
  // acts of administration
  decideProposal: { zh: '审批提议', en: 'Decide the proposal' },
  withdrawProposal: { zh: '撤回提议', en: 'Withdraw the proposal' },
  decideImport: { zh: '审批导入文件', en: 'Decide the import' },
  withdrawImport: { zh: '撤回导入文件', en: 'Withdraw the import' },
  // seals
  fileSeal: { zh: '备案', en: 'Put on file' },
  putSealIntoUse: { zh: '启用', en: 'Put into use' },
  suspendSeal: { zh: '停用', en: 'Suspend the seal' },
  applyForSealResumption: { zh: '申请恢复使用', en: 'Apply for resumption' },
  applyForSealGrant: { zh: '申请用印授权', en: 'Apply for a grant' },
  applyForSealGrantWithdrawal: { zh: '申请收回授权', en: 'Apply to withdraw a grant' },
  applyForSealRotation: { zh: '申请换证', en: 'Apply for new keys' },
  enterSealCertificate: { zh: '申请录入印章证书', en: 'Apply to enter a certificate' },
  applyForSealPicture: { zh: '申请更换印模图片', en: 'Apply for another picture' },
  applyForSealEnd: { zh: '申请注销印章', en: 'Apply to end the seal' },
  decideSealApplication: { zh: '审批印章申请', en: 'Decide the seal application' },
  withdrawSealApplication: { zh: '撤回印章申请', en: 'Withdraw the seal application' },
};
