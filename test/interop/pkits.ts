/**
 * The tests of the NIST Public Key Interoperability Test Suite (PKITS, version 1.0.1) with its default settings.
 * Columns: number, expected result and end certificate; certificates of authorities from the end certificate up, with
 * others of the same authorities; revocation lists in addition to that of the trust anchor.
 * Test 4.8.1 is 4.1.1 with other settings.
 */
const TESTS = `
4.1.1 valid ValidCertificatePathTest1 | GoodCA | GoodCACRL
4.1.2 invalid InvalidCASignatureTest2 | BadSignedCA | BadSignedCACRL
4.1.3 invalid InvalidEESignatureTest3 | GoodCA | GoodCACRL
4.1.4 valid ValidDSASignaturesTest4 | DSACA | DSACACRL
4.1.5 valid ValidDSAParameterInheritanceTest5 | DSAParametersInheritedCA DSACA | DSACACRL DSAParametersInheritedCACRL
4.1.6 invalid InvalidDSASignatureTest6 | DSACA | DSACACRL
4.2.1 invalid InvalidCAnotBeforeDateTest1 | BadnotBeforeDateCA | BadnotBeforeDateCACRL
4.2.2 invalid InvalidEEnotBeforeDateTest2 | GoodCA | GoodCACRL
4.2.3 valid Validpre2000UTCnotBeforeDateTest3 | GoodCA | GoodCACRL
4.2.4 valid ValidGeneralizedTimenotBeforeDateTest4 | GoodCA | GoodCACRL
4.2.5 invalid InvalidCAnotAfterDateTest5 | BadnotAfterDateCA | BadnotAfterDateCACRL
4.2.6 invalid InvalidEEnotAfterDateTest6 | GoodCA | GoodCACRL
4.2.7 invalid Invalidpre2000UTCEEnotAfterDateTest7 | GoodCA | GoodCACRL
4.2.8 valid ValidGeneralizedTimenotAfterDateTest8 | GoodCA | GoodCACRL
4.3.1 invalid InvalidNameChainingTest1 | GoodCA | GoodCACRL
4.3.2 invalid InvalidNameChainingOrderTest2 | NameOrderingCA | NameOrderCACRL
4.3.3 valid ValidNameChainingWhitespaceTest3 | GoodCA | GoodCACRL
4.3.4 valid ValidNameChainingWhitespaceTest4 | GoodCA | GoodCACRL
4.3.5 valid ValidNameChainingCapitalizationTest5 | GoodCA | GoodCACRL
4.3.6 valid ValidNameUIDsTest6 | UIDCA | UIDCACRL
4.3.7 valid ValidRFC3280MandatoryAttributeTypesTest7 | RFC3280MandatoryAttributeTypesCA | RFC3280MandatoryAttributeTypesCACRL
4.3.8 valid ValidRFC3280OptionalAttributeTypesTest8 | RFC3280OptionalAttributeTypesCA | RFC3280OptionalAttributeTypesCACRL
4.3.9 valid ValidUTF8StringEncodedNamesTest9 | UTF8StringEncodedNamesCA | UTF8StringEncodedNamesCACRL
4.3.10 valid ValidRolloverfromPrintableStringtoUTF8StringTest10 | RolloverfromPrintableStringtoUTF8StringCA | RolloverfromPrintableStringtoUTF8StringCACRL
4.3.11 valid ValidUTF8StringCaseInsensitiveMatchTest11 | UTF8StringCaseInsensitiveMatchCA | UTF8StringCaseInsensitiveMatchCACRL
4.4.1 invalid InvalidMissingCRLTest1 | NoCRLCA | 
4.4.2 invalid InvalidRevokedCATest2 | RevokedsubCA GoodCA | GoodCACRL RevokedsubCACRL
4.4.3 invalid InvalidRevokedEETest3 | GoodCA | GoodCACRL
4.4.4 invalid InvalidBadCRLSignatureTest4 | BadCRLSignatureCA | BadCRLSignatureCACRL
4.4.5 invalid InvalidBadCRLIssuerNameTest5 | BadCRLIssuerNameCA | BadCRLIssuerNameCACRL
4.4.6 invalid InvalidWrongCRLTest6 | WrongCRLCA | 
4.4.7 valid ValidTwoCRLsTest7 | TwoCRLsCA | TwoCRLsCABadCRL TwoCRLsCAGoodCRL
4.4.8 invalid InvalidUnknownCRLEntryExtensionTest8 | UnknownCRLEntryExtensionCA | UnknownCRLEntryExtensionCACRL
4.4.9 invalid InvalidUnknownCRLExtensionTest9 | UnknownCRLExtensionCA | UnknownCRLExtensionCACRL
4.4.10 invalid InvalidUnknownCRLExtensionTest10 | UnknownCRLExtensionCA | UnknownCRLExtensionCACRL
4.4.11 invalid InvalidOldCRLnextUpdateTest11 | OldCRLnextUpdateCA | OldCRLnextUpdateCACRL
4.4.12 invalid Invalidpre2000CRLnextUpdateTest12 | pre2000CRLnextUpdateCA | pre2000CRLnextUpdateCACRL
4.4.13 valid ValidGeneralizedTimeCRLnextUpdateTest13 | GeneralizedTimeCRLnextUpdateCA | GeneralizedTimeCRLnextUpdateCACRL
4.4.14 valid ValidNegativeSerialNumberTest14 | NegativeSerialNumberCA | NegativeSerialNumberCACRL
4.4.15 invalid InvalidNegativeSerialNumberTest15 | NegativeSerialNumberCA | NegativeSerialNumberCACRL
4.4.16 valid ValidLongSerialNumberTest16 | LongSerialNumberCA | LongSerialNumberCACRL
4.4.17 valid ValidLongSerialNumberTest17 | LongSerialNumberCA | LongSerialNumberCACRL
4.4.18 invalid InvalidLongSerialNumberTest18 | LongSerialNumberCA | LongSerialNumberCACRL
4.4.19 valid ValidSeparateCertificateandCRLKeysTest19 | SeparateCertificateandCRLKeysCertificateSigningCA SeparateCertificateandCRLKeysCRLSigning | SeparateCertificateandCRLKeysCRL
4.4.20 invalid InvalidSeparateCertificateandCRLKeysTest20 | SeparateCertificateandCRLKeysCertificateSigningCA SeparateCertificateandCRLKeysCRLSigning | SeparateCertificateandCRLKeysCRL
4.4.21 invalid InvalidSeparateCertificateandCRLKeysTest21 | SeparateCertificateandCRLKeysCA2CertificateSigningCA SeparateCertificateandCRLKeysCA2CRLSigning | SeparateCertificateandCRLKeysCA2CRL
4.5.1 valid ValidBasicSelfIssuedOldWithNewTest1 | BasicSelfIssuedNewKeyOldWithNewCA BasicSelfIssuedNewKeyCA | BasicSelfIssuedNewKeyCACRL
4.5.2 invalid InvalidBasicSelfIssuedOldWithNewTest2 | BasicSelfIssuedNewKeyOldWithNewCA BasicSelfIssuedNewKeyCA | BasicSelfIssuedNewKeyCACRL
4.5.3 valid ValidBasicSelfIssuedNewWithOldTest3 | BasicSelfIssuedOldKeyNewWithOldCA BasicSelfIssuedOldKeyCA | BasicSelfIssuedOldKeyCACRL BasicSelfIssuedOldKeySelfIssuedCertCRL
4.5.4 valid ValidBasicSelfIssuedNewWithOldTest4 | BasicSelfIssuedOldKeyCA BasicSelfIssuedOldKeyNewWithOldCA | BasicSelfIssuedOldKeyCACRL BasicSelfIssuedOldKeySelfIssuedCertCRL
4.5.5 invalid InvalidBasicSelfIssuedNewWithOldTest5 | BasicSelfIssuedOldKeyCA BasicSelfIssuedOldKeyNewWithOldCA | BasicSelfIssuedOldKeyCACRL BasicSelfIssuedOldKeySelfIssuedCertCRL
4.5.6 valid ValidBasicSelfIssuedCRLSigningKeyTest6 | BasicSelfIssuedCRLSigningKeyCA BasicSelfIssuedCRLSigningKeyCRL | BasicSelfIssuedCRLSigningKeyCACRL BasicSelfIssuedCRLSigningKeyCRLCertCRL
4.5.7 invalid InvalidBasicSelfIssuedCRLSigningKeyTest7 | BasicSelfIssuedCRLSigningKeyCA BasicSelfIssuedCRLSigningKeyCRL | BasicSelfIssuedCRLSigningKeyCACRL BasicSelfIssuedCRLSigningKeyCRLCertCRL
4.5.8 invalid InvalidBasicSelfIssuedCRLSigningKeyTest8 | BasicSelfIssuedCRLSigningKeyCRL BasicSelfIssuedCRLSigningKeyCA | BasicSelfIssuedCRLSigningKeyCACRL BasicSelfIssuedCRLSigningKeyCRLCertCRL
4.6.1 invalid InvalidMissingbasicConstraintsTest1 | MissingbasicConstraintsCA | MissingbasicConstraintsCACRL
4.6.2 invalid InvalidcAFalseTest2 | basicConstraintsCriticalcAFalseCA | basicConstraintsCriticalcAFalseCACRL
4.6.3 invalid InvalidcAFalseTest3 | basicConstraintsNotCriticalcAFalseCA | basicConstraintsNotCriticalcAFalseCACRL
4.6.4 valid ValidbasicConstraintsNotCriticalTest4 | basicConstraintsNotCriticalCA | basicConstraintsNotCriticalCACRL
4.6.5 invalid InvalidpathLenConstraintTest5 | pathLenConstraint0subCA pathLenConstraint0CA pathLenConstraint0SelfIssuedCA | pathLenConstraint0CACRL pathLenConstraint0subCACRL
4.6.6 invalid InvalidpathLenConstraintTest6 | pathLenConstraint0subCA pathLenConstraint0CA pathLenConstraint0SelfIssuedCA | pathLenConstraint0CACRL pathLenConstraint0subCACRL
4.6.7 valid ValidpathLenConstraintTest7 | pathLenConstraint0CA pathLenConstraint0SelfIssuedCA | pathLenConstraint0CACRL
4.6.8 valid ValidpathLenConstraintTest8 | pathLenConstraint0CA pathLenConstraint0SelfIssuedCA | pathLenConstraint0CACRL
4.6.9 invalid InvalidpathLenConstraintTest9 | pathLenConstraint6subsubCA00 pathLenConstraint6subCA0 pathLenConstraint6CA | pathLenConstraint6CACRL pathLenConstraint6subCA0CRL pathLenConstraint6subsubCA00CRL
4.6.10 invalid InvalidpathLenConstraintTest10 | pathLenConstraint6subsubCA00 pathLenConstraint6subCA0 pathLenConstraint6CA | pathLenConstraint6CACRL pathLenConstraint6subCA0CRL pathLenConstraint6subsubCA00CRL
4.6.11 invalid InvalidpathLenConstraintTest11 | pathLenConstraint6subsubsubCA11X pathLenConstraint6subsubCA11 pathLenConstraint6subCA1 pathLenConstraint6CA | pathLenConstraint6CACRL pathLenConstraint6subCA1CRL pathLenConstraint6subsubCA11CRL pathLenConstraint6subsubsubCA11XCRL
4.6.12 invalid InvalidpathLenConstraintTest12 | pathLenConstraint6subsubsubCA11X pathLenConstraint6subsubCA11 pathLenConstraint6subCA1 pathLenConstraint6CA | pathLenConstraint6CACRL pathLenConstraint6subCA1CRL pathLenConstraint6subsubCA11CRL pathLenConstraint6subsubsubCA11XCRL
4.6.13 valid ValidpathLenConstraintTest13 | pathLenConstraint6subsubsubCA41X pathLenConstraint6subsubCA41 pathLenConstraint6subCA4 pathLenConstraint6CA | pathLenConstraint6CACRL pathLenConstraint6subCA4CRL pathLenConstraint6subsubCA41CRL pathLenConstraint6subsubsubCA41XCRL
4.6.14 valid ValidpathLenConstraintTest14 | pathLenConstraint6subsubsubCA41X pathLenConstraint6subsubCA41 pathLenConstraint6subCA4 pathLenConstraint6CA | pathLenConstraint6CACRL pathLenConstraint6subCA4CRL pathLenConstraint6subsubCA41CRL pathLenConstraint6subsubsubCA41XCRL
4.6.15 valid ValidSelfIssuedpathLenConstraintTest15 | pathLenConstraint0SelfIssuedCA pathLenConstraint0CA | pathLenConstraint0CACRL
4.6.16 invalid InvalidSelfIssuedpathLenConstraintTest16 | pathLenConstraint0subCA2 pathLenConstraint0SelfIssuedCA pathLenConstraint0CA | pathLenConstraint0CACRL pathLenConstraint0subCA2CRL
4.6.17 valid ValidSelfIssuedpathLenConstraintTest17 | pathLenConstraint1SelfIssuedsubCA pathLenConstraint1subCA pathLenConstraint1SelfIssuedCA pathLenConstraint1CA | pathLenConstraint1CACRL pathLenConstraint1subCACRL
4.7.1 invalid InvalidkeyUsageCriticalkeyCertSignFalseTest1 | keyUsageCriticalkeyCertSignFalseCA | keyUsageCriticalkeyCertSignFalseCACRL
4.7.2 invalid InvalidkeyUsageNotCriticalkeyCertSignFalseTest2 | keyUsageNotCriticalkeyCertSignFalseCA | keyUsageNotCriticalkeyCertSignFalseCACRL
4.7.3 valid ValidkeyUsageNotCriticalTest3 | keyUsageNotCriticalCA | keyUsageNotCriticalCACRL
4.7.4 invalid InvalidkeyUsageCriticalcRLSignFalseTest4 | keyUsageCriticalcRLSignFalseCA | keyUsageCriticalcRLSignFalseCACRL
4.7.5 invalid InvalidkeyUsageNotCriticalcRLSignFalseTest5 | keyUsageNotCriticalcRLSignFalseCA | keyUsageNotCriticalcRLSignFalseCACRL
4.8.2 valid AllCertificatesNoPoliciesTest2 | NoPoliciesCA | NoPoliciesCACRL
4.8.3 valid DifferentPoliciesTest3 | PoliciesP2subCA GoodCA | GoodCACRL PoliciesP2subCACRL
4.8.4 invalid DifferentPoliciesTest4 | GoodsubCA GoodCA | GoodCACRL GoodsubCACRL
4.8.5 invalid DifferentPoliciesTest5 | PoliciesP2subCA2 GoodCA | GoodCACRL PoliciesP2subCA2CRL
4.8.6 valid OverlappingPoliciesTest6 | PoliciesP1234subsubCAP123P12 PoliciesP1234subCAP123 PoliciesP1234CA | PoliciesP1234CACRL PoliciesP1234subCAP123CRL PoliciesP1234subsubCAP123P12CRL
4.8.7 invalid DifferentPoliciesTest7 | PoliciesP123subsubCAP12P1 PoliciesP123subCAP12 PoliciesP123CA | PoliciesP123CACRL PoliciesP123subCAP12CRL PoliciesP123subsubCAP12P1CRL
4.8.8 invalid DifferentPoliciesTest8 | PoliciesP12subsubCAP1P2 PoliciesP12subCAP1 PoliciesP12CA | PoliciesP12CACRL PoliciesP12subCAP1CRL PoliciesP12subsubCAP1P2CRL
4.8.9 invalid DifferentPoliciesTest9 | PoliciesP123subsubsubCAP12P2P1 PoliciesP123subsubCAP12P2 PoliciesP123subCAP12 PoliciesP123CA | PoliciesP123CACRL PoliciesP123subCAP12CRL PoliciesP123subsubCAP2P2CRL PoliciesP123subsubsubCAP12P2P1CRL
4.8.10 valid AllCertificatesSamePoliciesTest10 | PoliciesP12CA | PoliciesP12CACRL
4.8.11 valid AllCertificatesanyPolicyTest11 | anyPolicyCA | anyPolicyCACRL
4.8.12 invalid DifferentPoliciesTest12 | PoliciesP3CA | PoliciesP3CACRL
4.8.13 valid AllCertificatesSamePoliciesTest13 | PoliciesP123CA | PoliciesP123CACRL
4.8.14 valid AnyPolicyTest14 | anyPolicyCA | anyPolicyCACRL
4.8.15 valid UserNoticeQualifierTest15 |  | 
4.8.16 valid UserNoticeQualifierTest16 | GoodCA | GoodCACRL
4.8.17 valid UserNoticeQualifierTest17 | GoodCA | GoodCACRL
4.8.18 valid UserNoticeQualifierTest18 | PoliciesP12CA | PoliciesP12CACRL
4.8.19 valid UserNoticeQualifierTest19 |  | 
4.8.20 valid CPSPointerQualifierTest20 | GoodCA | GoodCACRL
4.9.1 valid ValidrequireExplicitPolicyTest1 | requireExplicitPolicy10subsubsubCA requireExplicitPolicy10subsubCA requireExplicitPolicy10subCA requireExplicitPolicy10CA | requireExplicitPolicy10CACRL requireExplicitPolicy10subCACRL requireExplicitPolicy10subsubCACRL requireExplicitPolicy10subsubsubCACRL
4.9.2 valid ValidrequireExplicitPolicyTest2 | requireExplicitPolicy5subsubsubCA requireExplicitPolicy5subsubCA requireExplicitPolicy5subCA requireExplicitPolicy5CA | requireExplicitPolicy5CACRL requireExplicitPolicy5subCACRL requireExplicitPolicy5subsubCACRL requireExplicitPolicy5subsubsubCACRL
4.9.3 invalid InvalidrequireExplicitPolicyTest3 | requireExplicitPolicy4subsubsubCA requireExplicitPolicy4subsubCA requireExplicitPolicy4subCA requireExplicitPolicy4CA | requireExplicitPolicy4CACRL requireExplicitPolicy4subCACRL requireExplicitPolicy4subsubCACRL requireExplicitPolicy4subsubsubCACRL
4.9.4 valid ValidrequireExplicitPolicyTest4 | requireExplicitPolicy0subsubsubCA requireExplicitPolicy0subsubCA requireExplicitPolicy0subCA requireExplicitPolicy0CA | requireExplicitPolicy0CACRL requireExplicitPolicy0subCACRL requireExplicitPolicy0subsubCACRL requireExplicitPolicy0subsubsubCACRL
4.9.5 invalid InvalidrequireExplicitPolicyTest5 | requireExplicitPolicy7subsubsubCARE2RE4 requireExplicitPolicy7subsubCARE2RE4 requireExplicitPolicy7subCARE2 requireExplicitPolicy7CA | requireExplicitPolicy7CACRL requireExplicitPolicy7subCARE2CRL requireExplicitPolicy7subsubCARE2RE4CRL requireExplicitPolicy7subsubsubCARE2RE4CRL
4.9.6 valid ValidSelfIssuedrequireExplicitPolicyTest6 | requireExplicitPolicy2SelfIssuedCA requireExplicitPolicy2CA | requireExplicitPolicy2CACRL
4.9.7 invalid InvalidSelfIssuedrequireExplicitPolicyTest7 | requireExplicitPolicy2subCA requireExplicitPolicy2SelfIssuedCA requireExplicitPolicy2CA requireExplicitPolicy2SelfIssuedsubCA | requireExplicitPolicy2CACRL requireExplicitPolicy2subCACRL
4.9.8 invalid InvalidSelfIssuedrequireExplicitPolicyTest8 | requireExplicitPolicy2SelfIssuedsubCA requireExplicitPolicy2subCA requireExplicitPolicy2SelfIssuedCA requireExplicitPolicy2CA | requireExplicitPolicy2CACRL requireExplicitPolicy2subCACRL
4.10.1 valid ValidPolicyMappingTest1 | Mapping1to2CA | Mapping1to2CACRL
4.10.2 invalid InvalidPolicyMappingTest2 | Mapping1to2CA | Mapping1to2CACRL
4.10.3 valid ValidPolicyMappingTest3 | P12Mapping1to3subsubCA P12Mapping1to3subCA P12Mapping1to3CA | P12Mapping1to3CACRL P12Mapping1to3subCACRL P12Mapping1to3subsubCACRL
4.10.4 invalid InvalidPolicyMappingTest4 | P12Mapping1to3subsubCA P12Mapping1to3subCA P12Mapping1to3CA | P12Mapping1to3CACRL P12Mapping1to3subCACRL P12Mapping1to3subsubCACRL
4.10.5 valid ValidPolicyMappingTest5 | P1Mapping1to234subCA P1Mapping1to234CA | P1Mapping1to234CACRL P1Mapping1to234subCACRL
4.10.6 valid ValidPolicyMappingTest6 | P1Mapping1to234subCA P1Mapping1to234CA | P1Mapping1to234CACRL P1Mapping1to234subCACRL
4.10.7 invalid InvalidMappingFromanyPolicyTest7 | MappingFromanyPolicyCA | MappingFromanyPolicyCACRL
4.10.8 invalid InvalidMappingToanyPolicyTest8 | MappingToanyPolicyCA | MappingToanyPolicyCACRL
4.10.9 valid ValidPolicyMappingTest9 | PanyPolicyMapping1to2CA | PanyPolicyMapping1to2CACRL
4.10.10 invalid InvalidPolicyMappingTest10 | GoodsubCAPanyPolicyMapping1to2CA GoodCA | GoodCACRL GoodsubCAPanyPolicyMapping1to2CACRL
4.10.11 valid ValidPolicyMappingTest11 | GoodsubCAPanyPolicyMapping1to2CA GoodCA | GoodCACRL GoodsubCAPanyPolicyMapping1to2CACRL
4.10.12 valid ValidPolicyMappingTest12 | P12Mapping1to3CA | P12Mapping1to3CACRL
4.10.13 valid ValidPolicyMappingTest13 | P1anyPolicyMapping1to2CA | P1anyPolicyMapping1to2CACRL
4.10.14 valid ValidPolicyMappingTest14 | P1anyPolicyMapping1to2CA | P1anyPolicyMapping1to2CACRL
4.11.1 invalid InvalidinhibitPolicyMappingTest1 | inhibitPolicyMapping0subCA inhibitPolicyMapping0CA | inhibitPolicyMapping0CACRL inhibitPolicyMapping0subCACRL
4.11.2 valid ValidinhibitPolicyMappingTest2 | inhibitPolicyMapping1P12subCA inhibitPolicyMapping1P12CA | inhibitPolicyMapping1P12CACRL inhibitPolicyMapping1P12subCACRL
4.11.3 invalid InvalidinhibitPolicyMappingTest3 | inhibitPolicyMapping1P12subsubCA inhibitPolicyMapping1P12subCA inhibitPolicyMapping1P12CA | inhibitPolicyMapping1P12CACRL inhibitPolicyMapping1P12subCACRL inhibitPolicyMapping1P12subsubCACRL
4.11.4 valid ValidinhibitPolicyMappingTest4 | inhibitPolicyMapping1P12subsubCA inhibitPolicyMapping1P12subCA inhibitPolicyMapping1P12CA | inhibitPolicyMapping1P12CACRL inhibitPolicyMapping1P12subCACRL inhibitPolicyMapping1P12subsubCACRL
4.11.5 invalid InvalidinhibitPolicyMappingTest5 | inhibitPolicyMapping5subsubsubCA inhibitPolicyMapping5subsubCA inhibitPolicyMapping5subCA inhibitPolicyMapping5CA | inhibitPolicyMapping5CACRL inhibitPolicyMapping5subCACRL inhibitPolicyMapping5subsubCACRL inhibitPolicyMapping5subsubsubCACRL
4.11.6 invalid InvalidinhibitPolicyMappingTest6 | inhibitPolicyMapping1P12subsubCAIPM5 inhibitPolicyMapping1P12subCAIPM5 inhibitPolicyMapping1P12CA | inhibitPolicyMapping1P12CACRL inhibitPolicyMapping1P12subCAIPM5CRL inhibitPolicyMapping1P12subsubCAIPM5CRL
4.11.7 valid ValidSelfIssuedinhibitPolicyMappingTest7 | inhibitPolicyMapping1P1subCA inhibitPolicyMapping1P1SelfIssuedCA inhibitPolicyMapping1P1CA inhibitPolicyMapping1P1SelfIssuedsubCA | inhibitPolicyMapping1P1CACRL inhibitPolicyMapping1P1subCACRL
4.11.8 invalid InvalidSelfIssuedinhibitPolicyMappingTest8 | inhibitPolicyMapping1P1subsubCA inhibitPolicyMapping1P1subCA inhibitPolicyMapping1P1SelfIssuedCA inhibitPolicyMapping1P1CA inhibitPolicyMapping1P1SelfIssuedsubCA | inhibitPolicyMapping1P1CACRL inhibitPolicyMapping1P1subCACRL inhibitPolicyMapping1P1subsubCACRL
4.11.9 invalid InvalidSelfIssuedinhibitPolicyMappingTest9 | inhibitPolicyMapping1P1subsubCA inhibitPolicyMapping1P1subCA inhibitPolicyMapping1P1SelfIssuedCA inhibitPolicyMapping1P1CA inhibitPolicyMapping1P1SelfIssuedsubCA | inhibitPolicyMapping1P1CACRL inhibitPolicyMapping1P1subCACRL inhibitPolicyMapping1P1subsubCACRL
4.11.10 invalid InvalidSelfIssuedinhibitPolicyMappingTest10 | inhibitPolicyMapping1P1SelfIssuedsubCA inhibitPolicyMapping1P1subCA inhibitPolicyMapping1P1SelfIssuedCA inhibitPolicyMapping1P1CA | inhibitPolicyMapping1P1CACRL inhibitPolicyMapping1P1subCACRL
4.11.11 invalid InvalidSelfIssuedinhibitPolicyMappingTest11 | inhibitPolicyMapping1P1SelfIssuedsubCA inhibitPolicyMapping1P1subCA inhibitPolicyMapping1P1SelfIssuedCA inhibitPolicyMapping1P1CA | inhibitPolicyMapping1P1CACRL inhibitPolicyMapping1P1subCACRL
4.12.1 invalid InvalidinhibitAnyPolicyTest1 | inhibitAnyPolicy0CA | inhibitAnyPolicy0CACRL
4.12.2 valid ValidinhibitAnyPolicyTest2 | inhibitAnyPolicy0CA | inhibitAnyPolicy0CACRL
4.12.3 valid inhibitAnyPolicyTest3 | inhibitAnyPolicy1subCA1 inhibitAnyPolicy1CA inhibitAnyPolicy1SelfIssuedCA | inhibitAnyPolicy1CACRL inhibitAnyPolicy1subCA1CRL
4.12.4 invalid InvalidinhibitAnyPolicyTest4 | inhibitAnyPolicy1subCA1 inhibitAnyPolicy1CA inhibitAnyPolicy1SelfIssuedCA | inhibitAnyPolicy1CACRL inhibitAnyPolicy1subCA1CRL
4.12.5 invalid InvalidinhibitAnyPolicyTest5 | inhibitAnyPolicy5subsubCA inhibitAnyPolicy5subCA inhibitAnyPolicy5CA | inhibitAnyPolicy5CACRL inhibitAnyPolicy5subCACRL inhibitAnyPolicy5subsubCACRL
4.12.6 invalid InvalidinhibitAnyPolicyTest6 | inhibitAnyPolicy1subCAIAP5 inhibitAnyPolicy1CA inhibitAnyPolicy1SelfIssuedCA | inhibitAnyPolicy1CACRL inhibitAnyPolicy1subCAIAP5CRL
4.12.7 valid ValidSelfIssuedinhibitAnyPolicyTest7 | inhibitAnyPolicy1subCA2 inhibitAnyPolicy1SelfIssuedCA inhibitAnyPolicy1CA inhibitAnyPolicy1SelfIssuedsubCA2 | inhibitAnyPolicy1CACRL inhibitAnyPolicy1subCA2CRL
4.12.8 invalid InvalidSelfIssuedinhibitAnyPolicyTest8 | inhibitAnyPolicy1subsubCA2 inhibitAnyPolicy1subCA2 inhibitAnyPolicy1SelfIssuedCA inhibitAnyPolicy1CA inhibitAnyPolicy1SelfIssuedsubCA2 | inhibitAnyPolicy1CACRL inhibitAnyPolicy1subCA2CRL inhibitAnyPolicy1subsubCA2CRL
4.12.9 valid ValidSelfIssuedinhibitAnyPolicyTest9 | inhibitAnyPolicy1SelfIssuedsubCA2 inhibitAnyPolicy1subCA2 inhibitAnyPolicy1SelfIssuedCA inhibitAnyPolicy1CA | inhibitAnyPolicy1CACRL inhibitAnyPolicy1subCA2CRL
4.12.10 invalid InvalidSelfIssuedinhibitAnyPolicyTest10 | inhibitAnyPolicy1subCA2 inhibitAnyPolicy1SelfIssuedCA inhibitAnyPolicy1CA inhibitAnyPolicy1SelfIssuedsubCA2 | inhibitAnyPolicy1CACRL inhibitAnyPolicy1subCA2CRL
4.13.1 valid ValidDNnameConstraintsTest1 | nameConstraintsDN1CA nameConstraintsDN1SelfIssuedCA | nameConstraintsDN1CACRL
4.13.2 invalid InvalidDNnameConstraintsTest2 | nameConstraintsDN1CA nameConstraintsDN1SelfIssuedCA | nameConstraintsDN1CACRL
4.13.3 invalid InvalidDNnameConstraintsTest3 | nameConstraintsDN1CA nameConstraintsDN1SelfIssuedCA | nameConstraintsDN1CACRL
4.13.4 valid ValidDNnameConstraintsTest4 | nameConstraintsDN1CA nameConstraintsDN1SelfIssuedCA | nameConstraintsDN1CACRL
4.13.5 valid ValidDNnameConstraintsTest5 | nameConstraintsDN2CA | nameConstraintsDN2CACRL
4.13.6 valid ValidDNnameConstraintsTest6 | nameConstraintsDN3CA | nameConstraintsDN3CACRL
4.13.7 invalid InvalidDNnameConstraintsTest7 | nameConstraintsDN3CA | nameConstraintsDN3CACRL
4.13.8 invalid InvalidDNnameConstraintsTest8 | nameConstraintsDN4CA | nameConstraintsDN4CACRL
4.13.9 invalid InvalidDNnameConstraintsTest9 | nameConstraintsDN4CA | nameConstraintsDN4CACRL
4.13.10 invalid InvalidDNnameConstraintsTest10 | nameConstraintsDN5CA | nameConstraintsDN5CACRL
4.13.11 valid ValidDNnameConstraintsTest11 | nameConstraintsDN5CA | nameConstraintsDN5CACRL
4.13.12 invalid InvalidDNnameConstraintsTest12 | nameConstraintsDN1subCA1 nameConstraintsDN1CA nameConstraintsDN1SelfIssuedCA | nameConstraintsDN1CACRL nameConstraintsDN1subCA1CRL
4.13.13 invalid InvalidDNnameConstraintsTest13 | nameConstraintsDN1subCA2 nameConstraintsDN1CA nameConstraintsDN1SelfIssuedCA | nameConstraintsDN1CACRL nameConstraintsDN1subCA2CRL
4.13.14 valid ValidDNnameConstraintsTest14 | nameConstraintsDN1subCA2 nameConstraintsDN1CA nameConstraintsDN1SelfIssuedCA | nameConstraintsDN1CACRL nameConstraintsDN1subCA2CRL
4.13.15 invalid InvalidDNnameConstraintsTest15 | nameConstraintsDN3subCA1 nameConstraintsDN3CA | nameConstraintsDN3CACRL nameConstraintsDN3subCA1CRL
4.13.16 invalid InvalidDNnameConstraintsTest16 | nameConstraintsDN3subCA1 nameConstraintsDN3CA | nameConstraintsDN3CACRL nameConstraintsDN3subCA1CRL
4.13.17 invalid InvalidDNnameConstraintsTest17 | nameConstraintsDN3subCA2 nameConstraintsDN3CA | nameConstraintsDN3CACRL nameConstraintsDN3subCA2CRL
4.13.18 valid ValidDNnameConstraintsTest18 | nameConstraintsDN3subCA2 nameConstraintsDN3CA | nameConstraintsDN3CACRL nameConstraintsDN3subCA2CRL
4.13.19 valid ValidDNnameConstraintsTest19 | nameConstraintsDN1SelfIssuedCA nameConstraintsDN1CA | nameConstraintsDN1CACRL
4.13.20 invalid InvalidDNnameConstraintsTest20 | nameConstraintsDN1CA nameConstraintsDN1SelfIssuedCA | nameConstraintsDN1CACRL
4.13.21 valid ValidRFC822nameConstraintsTest21 | nameConstraintsRFC822CA1 | nameConstraintsRFC822CA1CRL
4.13.22 invalid InvalidRFC822nameConstraintsTest22 | nameConstraintsRFC822CA1 | nameConstraintsRFC822CA1CRL
4.13.23 valid ValidRFC822nameConstraintsTest23 | nameConstraintsRFC822CA2 | nameConstraintsRFC822CA2CRL
4.13.24 invalid InvalidRFC822nameConstraintsTest24 | nameConstraintsRFC822CA2 | nameConstraintsRFC822CA2CRL
4.13.25 valid ValidRFC822nameConstraintsTest25 | nameConstraintsRFC822CA3 | nameConstraintsRFC822CA3CRL
4.13.26 invalid InvalidRFC822nameConstraintsTest26 | nameConstraintsRFC822CA3 | nameConstraintsRFC822CA3CRL
4.13.27 valid ValidDNandRFC822nameConstraintsTest27 | nameConstraintsDN1subCA3 nameConstraintsDN1CA nameConstraintsDN1SelfIssuedCA | nameConstraintsDN1CACRL nameConstraintsDN1subCA3CRL
4.13.28 invalid InvalidDNandRFC822nameConstraintsTest28 | nameConstraintsDN1subCA3 nameConstraintsDN1CA nameConstraintsDN1SelfIssuedCA | nameConstraintsDN1CACRL nameConstraintsDN1subCA3CRL
4.13.29 invalid InvalidDNandRFC822nameConstraintsTest29 | nameConstraintsDN1subCA3 nameConstraintsDN1CA nameConstraintsDN1SelfIssuedCA | nameConstraintsDN1CACRL nameConstraintsDN1subCA3CRL
4.13.30 valid ValidDNSnameConstraintsTest30 | nameConstraintsDNS1CA | nameConstraintsDNS1CACRL
4.13.31 invalid InvalidDNSnameConstraintsTest31 | nameConstraintsDNS1CA | nameConstraintsDNS1CACRL
4.13.32 valid ValidDNSnameConstraintsTest32 | nameConstraintsDNS2CA | nameConstraintsDNS2CACRL
4.13.33 invalid InvalidDNSnameConstraintsTest33 | nameConstraintsDNS2CA | nameConstraintsDNS2CACRL
4.13.34 valid ValidURInameConstraintsTest34 | nameConstraintsURI1CA | nameConstraintsURI1CACRL
4.13.35 invalid InvalidURInameConstraintsTest35 | nameConstraintsURI1CA | nameConstraintsURI1CACRL
4.13.36 valid ValidURInameConstraintsTest36 | nameConstraintsURI2CA | nameConstraintsURI2CACRL
4.13.37 invalid InvalidURInameConstraintsTest37 | nameConstraintsURI2CA | nameConstraintsURI2CACRL
4.13.38 invalid InvalidDNSnameConstraintsTest38 | nameConstraintsDNS1CA | nameConstraintsDNS1CACRL
4.14.1 valid ValiddistributionPointTest1 | distributionPoint1CA | distributionPoint1CACRL
4.14.2 invalid InvaliddistributionPointTest2 | distributionPoint1CA | distributionPoint1CACRL
4.14.3 invalid InvaliddistributionPointTest3 | distributionPoint1CA | distributionPoint1CACRL
4.14.4 valid ValiddistributionPointTest4 | distributionPoint1CA | distributionPoint1CACRL
4.14.5 valid ValiddistributionPointTest5 | distributionPoint2CA | distributionPoint2CACRL
4.14.6 invalid InvaliddistributionPointTest6 | distributionPoint2CA | distributionPoint2CACRL
4.14.7 valid ValiddistributionPointTest7 | distributionPoint2CA | distributionPoint2CACRL
4.14.8 invalid InvaliddistributionPointTest8 | distributionPoint2CA | distributionPoint2CACRL
4.14.9 invalid InvaliddistributionPointTest9 | distributionPoint2CA | distributionPoint2CACRL
4.14.10 valid ValidNoissuingDistributionPointTest10 | NoissuingDistributionPointCA | NoissuingDistributionPointCACRL
4.14.11 invalid InvalidonlyContainsUserCertsTest11 | onlyContainsUserCertsCA | onlyContainsUserCertsCACRL
4.14.12 invalid InvalidonlyContainsCACertsTest12 | onlyContainsCACertsCA | onlyContainsCACertsCACRL
4.14.13 valid ValidonlyContainsCACertsTest13 | onlyContainsCACertsCA | onlyContainsCACertsCACRL
4.14.14 invalid InvalidonlyContainsAttributeCertsTest14 | onlyContainsAttributeCertsCA | onlyContainsAttributeCertsCACRL
4.14.15 invalid InvalidonlySomeReasonsTest15 | onlySomeReasonsCA1 | onlySomeReasonsCA1compromiseCRL onlySomeReasonsCA1otherreasonsCRL
4.14.16 invalid InvalidonlySomeReasonsTest16 | onlySomeReasonsCA1 | onlySomeReasonsCA1compromiseCRL onlySomeReasonsCA1otherreasonsCRL
4.14.17 invalid InvalidonlySomeReasonsTest17 | onlySomeReasonsCA2 | onlySomeReasonsCA2CRL1 onlySomeReasonsCA2CRL2
4.14.18 valid ValidonlySomeReasonsTest18 | onlySomeReasonsCA3 | onlySomeReasonsCA3compromiseCRL onlySomeReasonsCA3otherreasonsCRL
4.14.19 valid ValidonlySomeReasonsTest19 | onlySomeReasonsCA4 | onlySomeReasonsCA4compromiseCRL onlySomeReasonsCA4otherreasonsCRL
4.14.20 invalid InvalidonlySomeReasonsTest20 | onlySomeReasonsCA4 | onlySomeReasonsCA4compromiseCRL onlySomeReasonsCA4otherreasonsCRL
4.14.21 invalid InvalidonlySomeReasonsTest21 | onlySomeReasonsCA4 | onlySomeReasonsCA4compromiseCRL onlySomeReasonsCA4otherreasonsCRL
4.14.22 valid ValidIDPwithindirectCRLTest22 | indirectCRLCA1 | indirectCRLCA1CRL
4.14.23 invalid InvalidIDPwithindirectCRLTest23 | indirectCRLCA1 | indirectCRLCA1CRL
4.14.24 valid ValidIDPwithindirectCRLTest24 | indirectCRLCA2 | 
4.14.25 valid ValidIDPwithindirectCRLTest25 | indirectCRLCA2 | 
4.14.26 invalid InvalidIDPwithindirectCRLTest26 | indirectCRLCA2 | 
4.14.27 invalid InvalidcRLIssuerTest27 | indirectCRLCA2 | 
4.14.28 valid ValidcRLIssuerTest28 | indirectCRLCA3 | indirectCRLCA3CRL
4.14.29 valid ValidcRLIssuerTest29 | indirectCRLCA3 | indirectCRLCA3CRL
4.14.30 valid ValidcRLIssuerTest30 | indirectCRLCA4 | 
4.14.31 invalid InvalidcRLIssuerTest31 | indirectCRLCA6 | 
4.14.32 invalid InvalidcRLIssuerTest32 | indirectCRLCA6 | 
4.14.33 valid ValidcRLIssuerTest33 | indirectCRLCA6 | 
4.14.34 invalid InvalidcRLIssuerTest34 | indirectCRLCA5 | indirectCRLCA5CRL
4.14.35 invalid InvalidcRLIssuerTest35 | indirectCRLCA5 | indirectCRLCA5CRL
4.15.1 invalid InvaliddeltaCRLIndicatorNoBaseTest1 | deltaCRLIndicatorNoBaseCA | deltaCRLIndicatorNoBaseCACRL
4.15.2 valid ValiddeltaCRLTest2 | deltaCRLCA1 | deltaCRLCA1CRL deltaCRLCA1deltaCRL
4.15.3 invalid InvaliddeltaCRLTest3 | deltaCRLCA1 | deltaCRLCA1CRL deltaCRLCA1deltaCRL
4.15.4 invalid InvaliddeltaCRLTest4 | deltaCRLCA1 | deltaCRLCA1CRL deltaCRLCA1deltaCRL
4.15.5 valid ValiddeltaCRLTest5 | deltaCRLCA1 | deltaCRLCA1CRL deltaCRLCA1deltaCRL
4.15.6 invalid InvaliddeltaCRLTest6 | deltaCRLCA1 | deltaCRLCA1CRL deltaCRLCA1deltaCRL
4.15.7 valid ValiddeltaCRLTest7 | deltaCRLCA1 | deltaCRLCA1CRL deltaCRLCA1deltaCRL
4.15.8 valid ValiddeltaCRLTest8 | deltaCRLCA2 | deltaCRLCA2CRL deltaCRLCA2deltaCRL
4.15.9 invalid InvaliddeltaCRLTest9 | deltaCRLCA2 | deltaCRLCA2CRL deltaCRLCA2deltaCRL
4.15.10 invalid InvaliddeltaCRLTest10 | deltaCRLCA3 | deltaCRLCA3CRL deltaCRLCA3deltaCRL
4.16.1 valid ValidUnknownNotCriticalCertificateExtensionTest1 |  | 
4.16.2 invalid InvalidUnknownCriticalCertificateExtensionTest2 |  | 
`;

export interface PkitsTest {
  number: string;
  valid: boolean;
  name: string;
  authorities: readonly string[];
  lists: readonly string[];
}

export const PKITS: readonly PkitsTest[] = TESTS.trim()
  .split('\n')
  .map((line) => {
    const [testColumns = '', authorities = '', lists = ''] = line.split('|').map((part) => part.trim());
    const [number = '', result, name = ''] = testColumns.split(' ');
    const words = (text: string) => text.split(' ').filter(Boolean);
    return { number, valid: result === 'valid', name, authorities: words(authorities), lists: words(lists) };
  });

/**
 * The valid paths that the narrow profile of the verifier accepts. The other valid ones use what it does not support:
 * DSA, names that are equivalent but not identical, unique identifiers, name constraints, policy constraints and
 * mappings, partial, indirect and delta lists, lists signed by another key than the certificate's, end certificates
 * that are authorities.
 */
export const ACCEPTED_NUMBERS: readonly string[] = [
  '4.1.1',
  '4.2.3',
  '4.2.4',
  '4.2.8',
  '4.3.7',
  '4.3.8',
  '4.3.9',
  '4.4.7',
  '4.4.13',
  '4.4.14',
  '4.4.16',
  '4.4.17',
  '4.6.4',
  '4.6.7',
  '4.6.13',
  '4.7.3',
  '4.8.2',
  '4.8.3',
  '4.8.15',
  '4.8.16',
  '4.8.17',
  '4.8.19',
  '4.8.20',
  '4.14.10',
  '4.16.1',
];
