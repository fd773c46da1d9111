/** The texts for the hub's terms, in both languages. The server's pages and the browser's scripts share them. */

/** @typedef {'zh' | 'en'} Lang */
/** @typedef {'good' | 'bad' | 'hold'} Tone */
/** @typedef {{ zh: string, en: string }} Words */

/** States of a license. Each has a sign, so that colour is never the only difference. */
/** @type {Record<string, Words & { tone: Tone, sign: string }>} */
export const STATES = {
  VALID: { zh: '有效', en: 'in force', tone: 'good', sign: '✓' },
  SUSPENDED: { zh: '暂扣', en: 'suspended', tone: 'hold', sign: '‖' },
  SUPERSEDED: { zh: '已被新版本取代', en: 'superseded by a newer version', tone: 'bad', sign: '✗' },
  LAPSED: { zh: '失效', en: 'lapsed', tone: 'bad', sign: '✗' },
  RESCINDED: { zh: '撤销', en: 'rescinded: the grant was wrong', tone: 'bad', sign: '✗' },
  WITHDRAWN: { zh: '撤回', en: 'withdrawn: a lawful grant was taken back', tone: 'bad', sign: '✗' },
  REVOKED: { zh: '吊销', en: 'revoked as a penalty', tone: 'bad', sign: '✗' },
  CANCELLED: { zh: '注销', en: 'cancelled', tone: 'bad', sign: '✗' },
  NOT_YET_VALID: { zh: '未到生效日', en: 'not yet valid', tone: 'hold', sign: '…' },
};

/** Acts on a license. */
/** @type {Record<string, Words>} */
export const ACTS = {
  ISSUE: { zh: '制发', en: 'Issued' },
  CHANGE: { zh: '变更', en: 'Changed' },
  RENEW: { zh: '延续', en: 'Renewed' },
  REISSUE: { zh: '补发', en: 'Reissued' },
  RETAIN: { zh: '保留', en: 'Right retained' },
  TRANSFER: { zh: '转让', en: 'Transferred' },
  CORRECT: { zh: '更正', en: 'Corrected' },
  SUSPEND: { zh: '暂扣', en: 'Suspended' },
  RESTORE: { zh: '恢复', en: 'Restored' },
  REGISTER: { zh: '存量登记', en: 'Entered from paper' },
  LAPSE: { zh: '失效', en: 'Lapsed' },
  RESCIND: { zh: '撤销', en: 'Rescinded' },
  WITHDRAW: { zh: '撤回', en: 'Withdrawn' },
  REVOKE: { zh: '吊销', en: 'Revoked' },
  CANCEL: { zh: '注销', en: 'Cancelled' },
};

/** Verdicts on a signature. */
/** @type {Record<string, Words & { tone: Tone, sign: string, file: Words, code: Words }>} */
export const VERDICTS = {
  TOTAL_PASSED: {
    zh: '签章通过',
    en: 'Seal passed',
    tone: 'good',
    sign: '✓',
    file: {
      zh: '文件确由所示机关加盖电子印章，盖章后没有任何改动。',
      en: 'The organ named below sealed this file, and nothing in it has changed since.',
    },
    code: {
      zh: '二维码确由所示机关签发，内容没有改动。纸面或图片上的其他文字，请与本页内容逐项对照。',
      en: 'The organ named below signed this code, and it is unaltered. Compare what is printed around it with what stands on this page.',
    },
  },
  TOTAL_FAILED: {
    zh: '签章不通过',
    en: 'Seal failed',
    tone: 'bad',
    sign: '✗',
    file: { zh: '请勿把它当作有效的电子证照。', en: 'Do not rely on it as a license.' },
    code: { zh: '请勿采信这一二维码。', en: 'Do not rely on this code.' },
  },
  INDETERMINATE: {
    zh: '无法判定',
    en: 'Cannot be decided',
    tone: 'hold',
    sign: '?',
    file: {
      zh: '既不能证明文件可信，也不能证明文件是伪造的。请勿仅凭它办事。',
      en: 'The file is proven neither genuine nor forged. Do not act on it alone.',
    },
    code: {
      zh: '既不能证明二维码可信，也不能证明它是伪造的。请勿仅凭它办事。',
      en: 'The code is proven neither genuine nor forged. Do not act on it alone.',
    },
  },
};

/** Why a signature did not pass. */
/** @type {Record<string, Words>} */
export const REASONS = {
  FORMAT_FAILURE: {
    zh: '内容不是本系统制发的形式：可能被改动、另存、续写，或本来就不是电子证照。',
    en: 'It does not have the form in which this system issues: it was altered, saved anew or added to, or never was a license.',
  },
  HASH_FAILURE: { zh: '盖章以后内容被改动过。', en: 'It was altered after it had been sealed.' },
  SIG_CRYPTO_FAILURE: { zh: '签名是伪造的，或者损坏了。', en: 'The signature is forged or damaged.' },
  REVOKED: { zh: '盖章时，印章的证书已经吊销。', en: 'The seal’s certificate had been revoked when it was used.' },
  EXPIRED: { zh: '盖章时，印章的证书已经过期。', en: 'The seal’s certificate had expired when it was used.' },
  NOT_YET_VALID: {
    zh: '盖章时，印章的证书尚未生效。',
    en: 'The seal’s certificate was not valid yet when it was used.',
  },
  SIG_CONSTRAINTS_FAILURE: {
    zh: '签名与所签的内容互相矛盾，例如机关或链接不一致。',
    en: 'The signature and what it signs contradict each other: another organ, or another link.',
  },
  CHAIN_CONSTRAINTS_FAILURE: { zh: '证书链不符合规定。', en: 'The chain of certificates breaks a rule.' },
  CERTIFICATE_CHAIN_GENERAL_FAILURE: { zh: '证书链有其他问题。', en: 'Something else is wrong with the certificates.' },
  CRYPTO_CONSTRAINTS_FAILURE: { zh: '算法或密钥不够安全。', en: 'The algorithm or the key is not strong enough.' },
  POLICY_PROCESSING_ERROR: { zh: '签名策略无法处理。', en: 'The signature policy cannot be processed.' },
  SIGNATURE_POLICY_NOT_AVAILABLE: { zh: '签名策略不可得。', en: 'The signature policy is not available.' },
  TIMESTAMP_ORDER_FAILURE: { zh: '时间戳的先后次序不对。', en: 'The timestamps are in an impossible order.' },
  NO_SIGNING_CERTIFICATE_FOUND: {
    zh: '没有找到签名用的证书：它不是本系统签发的。',
    en: 'There is no certificate of that signature: this system did not issue it.',
  },
  NO_CERTIFICATE_CHAIN_FOUND: {
    zh: '印章的证书不是由本系统信任的根证书签发的。',
    en: 'The seal’s certificate does not lead to the root that is trusted here.',
  },
  REVOKED_NO_POE: {
    zh: '印章的证书已吊销，且不能证明盖章在吊销之前。',
    en: 'The seal’s certificate is revoked, and nothing proves that it was used before.',
  },
  REVOKED_CA_NO_POE: {
    zh: '签发机构的证书已吊销，且不能证明盖章在吊销之前。',
    en: 'The issuing authority is revoked, and nothing proves that the seal was used before.',
  },
  OUT_OF_BOUNDS_NO_POE: {
    zh: '印章的证书已过期，且不能证明盖章在过期之前。',
    en: 'The seal’s certificate has expired, and nothing proves that it was used before.',
  },
  OUT_OF_BOUNDS_NOT_REVOKED: {
    zh: '印章的证书已过期，但没有吊销。',
    en: 'The seal’s certificate has expired without being revoked.',
  },
  CRYPTO_CONSTRAINTS_FAILURE_NO_POE: {
    zh: '算法已不再安全，且不能证明盖章在此之前。',
    en: 'The algorithm is no longer safe, and nothing proves that the seal is older than that.',
  },
  NO_POE: { zh: '没有证据证明签名的时间。', en: 'Nothing proves when the signature was made.' },
  TRY_LATER: {
    zh: '暂时缺少吊销信息，请稍后再试。',
    en: 'What is needed about revocations is missing; try again later.',
  },
  SIGNED_DATA_NOT_FOUND: { zh: '没有找到盖了章的内容。', en: 'There is nothing sealed to be found.' },
};

/** English texts of the verification steps, by the hub's Chinese names. */
/** @type {Record<string, string>} */
export const STEPS_EN = {
  查找本系统的存档: 'Look for the file in the hub’s own archive',
  读取文件: 'Read the file',
  读取签名: 'Read the signature',
  核对文件摘要: 'Compare the file with the digest that was signed',
  查找签名证书: 'Find the signer’s certificate',
  验证签名值: 'Check the signature’s mathematics',
  核对登记数据: 'Check the record within, and that the seal is the issuing organ’s',
  读取证据包: 'Read the evidence bundle',
  核对签名时间戳: 'Check the timestamp of the signature',
  核对存档时间戳: 'Check the archive timestamps',
  核对时间戳证书和时间顺序: 'Check the timestamps’ certificates and their order',
  核对声明的签名时间: 'Check the time that the signer claims',
  '核对印章证书链、有效期和吊销': 'Check the seal’s certificates, validity and revocation',
  核对用印已记入透明日志: 'Check that the use of the seal stands in the transparency log',
  核对二维码: 'Check the QR code that the file carries',
  查询证照状态: 'Ask for the license’s state',
  读取二维码: 'Read the code',
  核对证书链和有效期: 'Check the certificates and their validity',
  核对证书吊销: 'Check revocation',
  核对链接: 'Check the link',
};
