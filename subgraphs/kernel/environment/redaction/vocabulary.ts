/**
 * The words that a message may have in the log: those of the messages of the hub, of Node and of its libraries. A word
 * that is not here may be data. No word here is common as a name. Pure.
 */

const split = (text: string): ReadonlySet<string> => new Set(text.trim().split(/\s+/));

/** Words in lower case. */
export const WORDS = split(`
  a abort aborted above access acquire act active address administrator after again aggregate agreement allow allowed
  already an and another answer any application are argument arguments array arrived asked assert assigned at
  attachment attachments attempt attempts authentication authority authorization await away back bad base basis be
  bearer become been behind belongs bind bit bits blank body boolean boom both broken buffer by byte bytes cache
  calendar call callback called cancel canceled cancelled cannot case cases catch caused certificate chain changed
  channel char character characters check checkpoint chunk circle clamd class client close closed closing cms code
  column come command commit concurrent condition config configuration connect connected connecting connection
  connections constraint constructor content context convert could count county cover create creation cross csv
  current cut cycle data database days db deadline deadlock decided decision decode decoder deep default define
  defined definite definition delete demo denied depth der descriptor destroyed detected dictionary did different
  digest directive directory disconnected do document does done draws duplicate during early ed element elements else
  empty encode encoding encrypted encryption end ends engine entry environment error errors event exactly exceeded
  except exception exist exists exit expected expired expression extension facts failed failure false fatal fault
  fetch fetched fewer field fields file files filesystem filter finding finished first fit flag flatedecode folder for
  force form format found fragment free from full function gateway generated get goes gone graph graphql had handle
  handler hang has hash hashes have head header headers heap hold holder holds host http https hub id identifier
  implementation import in incoming incomplete incorrect index inflated inner input inside instance instead integer
  internal invalid invocation is it iterable its join json just kept key keys kib kind known large larger last later
  leaves length less library license limit line link list listed listen listening load local lock log longer lookup
  lost made makes malformed many map matter matters maximum may memory message method mib middleware minimum mismatch
  missing module more most moved must mutation name names negative neither nested network new next no nobody
  nonexistent nor not nothing notice nowhere npm null nullable number object objects occurred octet octets of off
  offset ok on one only open openssl operation operations option options or order organ other out outcome outer output
  overflow own packet page parameter parameters parse parser parsing parts path payload pdf peer pending permission
  permissions person picture pieces pipe pki place platform platforms pool port position positive postgres premature
  prepared prevented preview primitive print printable private process promise proof properties property protocol
  provided proxy public push queries query range reached read reading reason receipt receipts receive record recorded
  recursion redirect ref reference references refused registered reject rejected rejection relation release remote
  remove renewed request required requires reserved reset resolve resolved resolver resolvers resource response rest
  restore result retry return returned returning revision revisions revocation role rollback root route row rows run
  runtime say says scalar schema scope script seal sealed seals second secrets select selection self send sending sent
  server service session set setting settings sha sheet sheets short shortest show shutdown sign signal signature
  signer signs size small socket somebody source speed split stack stands start started startxref state statement
  status step stopped storage store stream strict string structure subgraph subgraphs subscription such surroundings
  symbol syntax system table tag take taken task tells template terminated terminating test text than that the them
  then there this throw thrown tile time timed timeout timer timestamp tlog tls to token told too trailer trailing
  transaction transport tree true trusted try twice type typeof unable unauthorized undefined unexpected unhandled unit
  unknown unreadable unsupported untrusted unused update upload uri url usage use used user utf valid validate
  validation value values variable variables verify version violates void wait waiting warning was way webhook were
  what where while whole whsec will with without witness worker write writing written wrong yet zero
  v
`);

/** Names of errors, methods and protocols, in capitals. */
export const CODES = split(`
  DELETE E2BIG EACCES EADDRINUSE EADDRNOTAVAIL EAGAIN EAI_AGAIN EBADF EBUSY ECANCELED ECONNABORTED ECONNREFUSED
  ECONNRESET EEXIST EFBIG EHOSTUNREACH EINVAL EIO EISDIR EMFILE ENETUNREACH ENFILE ENOENT ENOMEM ENOSPC ENOTCONN
  ENOTDIR ENOTEMPTY ENOTFOUND EPERM EPIPE EPROTO EROFS ETIMEDOUT GET HEAD HTTP JSON PATCH POST PUT SIGINT SIGKILL
  SIGTERM SQL TCP TLS UND_ERR_ABORTED UND_ERR_BODY_TIMEOUT UND_ERR_CONNECT_TIMEOUT UND_ERR_HEADERS_TIMEOUT
  UND_ERR_SOCKET URL UTF UUID CONNECT_TIMEOUT CONNECTION_CLOSED CONNECTION_DESTROYED CONNECTION_ENDED
`);
