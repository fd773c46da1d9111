/**
 * The examples of the explorer. `person` is the demo person as whom an example answers something, or null if it needs
 * no sign-in.
 * @typedef {{
 *   key: string, person: string | null, query: string,
 *   title: Record<'zh' | 'en', string>, variables?: Record<string, unknown>,
 * }} Example
 */

/** @type {readonly Example[]} */
export const EXAMPLES = [
  {
    key: 'matters',
    person: null,
    title: { zh: '事项目录', en: 'The catalogue of matters' },
    query: `# 不需要登录 No sign-in needed
query Matters {
  matters(first: 5, filter: { mode: DIRECT }) {
    totalCount
    edges {
      node {
        code displayName
        countyOrgan { name }
        delegation { mode }
      }
    }
    pageInfo { hasNextPage endCursor }
  }
}
`,
  },
  {
    key: 'matter',
    person: null,
    title: { zh: '一个事项及其办事指南', en: 'One matter with its service guide' },
    query: `query Matter($id: ID!) {
  matter(id: $id) {
    displayName
    powerType
    countyOrgan { name }
    cityOrgan { name }
    guide {
      statutoryDays
      conditions
      materials { code name required }
    }
  }
}
`,
    variables: { id: 'yd2022-1-07' },
  },
  {
    key: 'viewer',
    person: 'yudu-lyj.clerk',
    title: { zh: '我是谁', en: 'Who I am' },
    query: `query Viewer {
  viewer { name roles organ { name } window }
}
`,
  },
  {
    key: 'cases',
    person: 'yudu-lyj.clerk',
    title: { zh: '本机关的办件及可办事项', en: 'My organ’s cases and what I may do with them' },
    query: `query Cases {
  cases(first: 10) {
    edges {
      node {
        number step
        applicant { name }
        matter { displayName }
        actions { name allowed refusal { code message } }
      }
    }
  }
}
`,
  },
  {
    key: 'attention',
    person: 'yudu-lyj.approver',
    title: { zh: '待办', en: 'What waits for me' },
    query: `query Attention {
  attention(first: 10) {
    edges { node { kind message since dueOn } }
  }
}
`,
  },
  {
    key: 'licenses',
    person: 'auditor',
    title: { zh: '证照、纸质证照和印章', en: 'Licenses with their paper and their seal' },
    query: `query Licenses {
  licenses(first: 10) {
    edges {
      node {
        identifier number name state
        matter { displayName }
        document {
          mediaType sizeBytes
          signature { seal { name } }
        }
        paper { blankNumber state }
      }
    }
  }
}
`,
  },
  {
    key: 'rehearsal',
    person: 'yudu-lyj.clerk',
    title: { zh: '试办：只检查，不登记', en: 'A rehearsal: checked, and nothing stored' },
    query: `mutation Rehearsal($input: ApplicationInput!) {
  receiveApplication(input: $input) {
    case { step }
    refusal { code message field }
  }
}
`,
    variables: {
      input: {
        matter: 'yd2022-1-07',
        dryRun: true,
        applicant: { name: '示范有限公司', codeKind: 'USCC', code: '91000000MA0000001R' },
      },
    },
  },
];
