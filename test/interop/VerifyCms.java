import java.io.FileInputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.Security;
import java.security.cert.CertPathBuilder;
import java.security.cert.CertStore;
import java.security.cert.CertificateFactory;
import java.security.cert.CollectionCertStoreParameters;
import java.security.cert.PKIXBuilderParameters;
import java.security.cert.TrustAnchor;
import java.security.cert.X509CertSelector;
import java.security.cert.X509Certificate;
import java.text.SimpleDateFormat;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TimeZone;
import org.bouncycastle.asn1.ASN1Encoding;
import org.bouncycastle.asn1.ASN1Primitive;
import org.bouncycastle.asn1.cms.CMSAttributes;
import org.bouncycastle.asn1.cms.ContentInfo;
import org.bouncycastle.asn1.cms.Time;
import org.bouncycastle.asn1.ess.SigningCertificateV2;
import org.bouncycastle.asn1.pkcs.PKCSObjectIdentifiers;
import org.bouncycastle.cert.X509CertificateHolder;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.cms.CMSProcessableByteArray;
import org.bouncycastle.cms.CMSSignedData;
import org.bouncycastle.cms.SignerInformation;
import org.bouncycastle.cms.jcajce.JcaSimpleSignerInfoVerifierBuilder;
import org.bouncycastle.jce.provider.BouncyCastleProvider;
import org.bouncycastle.tsp.TimeStampToken;

/** Verifies a detached CAdES B-T or PAdES B-T signature and its timestamp with BouncyCastle: VerifyCms FILE SIGNATURE ROOT.pem. Exit 0 only if all holds. */
public class VerifyCms {
  public static void main(String[] args) throws Exception {
    Security.addProvider(new BouncyCastleProvider());
    byte[] signature = Files.readAllBytes(Path.of(args[1]));
    require("DER", Arrays.equals(signature, ASN1Primitive.fromByteArray(signature).getEncoded(ASN1Encoding.DER)));

    CMSProcessableByteArray content = new CMSProcessableByteArray(Files.readAllBytes(Path.of(args[0])));
    CMSSignedData signed = new CMSSignedData(content, signature);
    require("one signer", signed.getSignerInfos().size() == 1);
    SignerInformation signer = signed.getSignerInfos().getSigners().iterator().next();
    var found = signed.getCertificates().getMatches(signer.getSID());
    require("signer's certificate", found.size() == 1);
    X509CertificateHolder holder = (X509CertificateHolder) found.iterator().next();

    byte[] attributes = signer.getEncodedSignedAttributes();
    byte[] sorted = ASN1Primitive.fromByteArray(attributes).getEncoded(ASN1Encoding.DER);
    require("signed attributes in DER order", Arrays.equals(attributes, sorted));
    require("signature", signer.verify(new JcaSimpleSignerInfoVerifierBuilder().setProvider("BC").build(holder)));

    SigningCertificateV2 named = SigningCertificateV2.getInstance(
        signer.getSignedAttributes().get(PKCSObjectIdentifiers.id_aa_signingCertificateV2)
            .getAttrValues().getObjectAt(0));
    byte[] digest = MessageDigest.getInstance("SHA-256").digest(holder.getEncoded());
    require("signing certificate", Arrays.equals(named.getCerts()[0].getCertHash(), digest));

    TimeStampToken token = new TimeStampToken(ContentInfo.getInstance(
        signer.getUnsignedAttributes().get(PKCSObjectIdentifiers.id_aa_signatureTimeStampToken)
            .getAttrValues().getObjectAt(0)));
    X509CertificateHolder stamper = (X509CertificateHolder) token.getCertificates().getMatches(token.getSID()).iterator().next();
    token.validate(new JcaSimpleSignerInfoVerifierBuilder().setProvider("BC").build(stamper));
    byte[] stamped = MessageDigest.getInstance("SHA-256").digest(signer.getSignature());
    require("timestamp of this signature", Arrays.equals(stamped, token.getTimeStampInfo().getMessageImprintDigest()));
    Time at = new Time(token.getTimeStampInfo().getGenTime());
    var said = signer.getSignedAttributes().get(CMSAttributes.signingTime);
    require("signing time is that of the timestamp",
        said == null || Time.getInstance(said.getAttrValues().getObjectAt(0)).getDate().equals(at.getDate()));
    chain(signed, holder, args[2], at);

    SimpleDateFormat format = new SimpleDateFormat("yyyy-MM-dd'T'HH:mm:ss'Z'");
    format.setTimeZone(TimeZone.getTimeZone("UTC"));
    System.out.println("verified " + format.format(at.getDate()) + " " + holder.getSubject());
  }

  private static void chain(CMSSignedData signed, X509CertificateHolder leaf, String root, Time at) throws Exception {
    JcaX509CertificateConverter converter = new JcaX509CertificateConverter().setProvider("BC");
    List<X509Certificate> carried = new ArrayList<>();
    for (Object one : signed.getCertificates().getMatches(null)) {
      carried.add(converter.getCertificate((X509CertificateHolder) one));
    }
    X509Certificate anchor;
    try (FileInputStream in = new FileInputStream(root)) {
      anchor = (X509Certificate) CertificateFactory.getInstance("X.509", "BC").generateCertificate(in);
    }
    require("root stays outside", !carried.contains(anchor));
    X509CertSelector target = new X509CertSelector();
    target.setCertificate(converter.getCertificate(leaf));
    PKIXBuilderParameters parameters = new PKIXBuilderParameters(Set.of(new TrustAnchor(anchor, null)), target);
    parameters.addCertStore(CertStore.getInstance("Collection", new CollectionCertStoreParameters(carried)));
    parameters.setRevocationEnabled(false);
    parameters.setDate(at.getDate());
    CertPathBuilder.getInstance("PKIX", "BC").build(parameters);
  }

  private static void require(String what, boolean holds) {
    if (!holds) {
      System.err.println("fails: " + what);
      System.exit(1);
    }
  }
}
