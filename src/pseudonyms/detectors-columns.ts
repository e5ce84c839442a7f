/** What the name of a column says, in English and French. */
import type { RuleKind } from './classification-kinds.ts';
import { plainWord } from './detectors-dictionary.ts';

export interface NameSign {
  kind: RuleKind;
  /** 0 to 1: how sure the name alone makes it. */
  weight: number;
}

/** `addrLine1`, `adr_l1`, `Prénom` → words in lower case without accents. */
export function tokensOf(name: string): string[] {
  return plainWord(
    name
      .replace(/(\p{Ll}|\d)(\p{Lu})/gu, '$1 $2')
      .replace(/(\p{Lu})(\p{Lu}\p{Ll})/gu, '$1 $2')
      .replace(/(\p{L})(\d)/gu, '$1 $2'),
  )
    .split(/[^\p{L}\d]+/u)
    .filter((token) => token !== '');
}

/** `_word_word_`, as patterns see a name. */
const spelled = (name: string): string => `_${tokensOf(name).join('_')}_`;

/** Patterns see `_word_word_`. The first that fits counts, so the narrow ones come first. */
const rules: readonly (readonly [RuleKind, number, string])[] = [
  ['password', 0.95, 'password|passwd|pwd|passphrase|mdp|mot_de_passe|motdepasse|passhash|pass_hash|encrypted_pass'],
  [
    'secret',
    0.9,
    'secret|secrets|api_?keys?|cle_api|private_key|access_key|auth_key|signing_key|session_key|client_secret|otp|totp|mfa|2fa|recovery_codes?|cvv|cvc|cvv2|pin|pin_code|salt|credentials?|csrf|sid|sessid|session_(hash|token|key)|access_token|refresh_token|token|tokens|tok|toks|jetons?|token_hash|cookie|digic|digicode|(redeem|voucher|gift|gift_card)_code|(door|gate|entry|access|alarm|unlock|safe)_code|code_(acces|porte|entree|alarme|secret|confidentiel|coffre)|magic_link|(room|invite|share|reset|unsubscribe)_(key|link|token|code)|(verification|activation|confirmation|validation)_(code|key|link)',
  ],
  ['user-agent', 0.9, 'user_agent|useragent|http_user_agent|browser_agent|navigateur'],
  ['mac', 0.9, 'mac|mac_addr(ess)?|macaddr|adresse_mac|hwaddr|bssid'],
  [
    'ip',
    0.9,
    'ip|ips|ipv4|ipv6|ip_addr(ess)?|ipaddress|adresse_ip|remote_addr(ess)?|ip_client|client_ip|remote_ip|x_forwarded_for',
  ],
  [
    'email',
    0.95,
    'e_?mails?|courriels?|mel|mail|mails|mailbox|adresse_mail|email_?address|mail_addr(ess)?|reply_to|cc_to',
  ],
  [
    'phone',
    0.95,
    'tele?phones?|phones?|tel|tels|mobile|mobiles|gsm|cellphone|cell|cell_phone|homephone|workphone|fax|telecopie|portable|msisdn|whatsapp|sms|sms_to|num_tel|phone_?(number|no|num)',
  ],
  [
    'iban',
    0.95,
    'iban|rib|bank_?account|bank_?account_(number|no)|account_(number|no)|numero_compte|num_compte|compte_bancaire|no_compte|sort_code|bban|routing_number',
  ],
  ['bic', 0.9, 'bic|swift|swift_code|code_bic'],
  ['siret', 0.95, 'siret|num_siret|numero_siret'],
  ['siren', 0.95, 'siren|num_siren|rcs|numero_siren|company_(number|registration)|crn'],
  [
    'vat',
    0.9,
    '(vat|tva)_(number|no|num|id|intra(com(munautaire)?)?|code|reg)|(num|numero|no)_(tva|vat)|vatid|vat_?number|tax_(id|number|no)|tvaintra',
  ],
  [
    'national-id',
    0.9,
    'nir|ssn|nin|nino|ni_number|ni_no|national_(id|number|insurance)|nss|secu|num_secu|numero_secu|securite_sociale|social_security|insurance_number|passport|passports|travel_doc(ument)?|identity_doc(ument)?|id_doc(ument)?|(passport|passeport|cni|identity|id_doc|id_document)_(no|num|number|numero)|(no|num|numero)_(pce|piece|piece_id|passeport|cni|titre)|piece_id|passeport|cni|carte_identite|piece_identite|identity_card|id_card|driv(er|ers|ing)_licen[cs]e|licen[cs]e_(no|number)|ni_or_pps|pps(n|_no|_number)?|permis_conduire|nhs|nhs_(number|no)|rpps|adeli|finess|bsn|dni|cpf|pesel|codice_fiscale|steuer_id|itin|ine|tin|(num_?|no_?|numero_)?(ss|secu|nss|nir|insee)_(num|no|numero)?|num_(ss|insee)|medicare|amelie|ameli',
  ],
  [
    'card',
    0.9,
    'pan|card_?(number|no|num)|(credit|debit|bank|payment|fuel|loyalty)_?card|cc_(number|num|no)|carte_bancaire|(num|numero|no)_(carte|cb)|cb',
  ],
  [
    'last-name',
    0.95,
    '(last|family|sur|maiden|birth|second)_?(names?|nm)|surname|lname|lst_nm|nom_?fam|nomf|patronyme|nom_(de_)?(famille|usage|naiss|naissance|naissace|jeune_fille|marital|epouse|patronymique|jf)|nomfamille|nom_nais',
  ],
  [
    'first-name',
    0.95,
    '(first|given|fore|christian|preferred|middle|nick)_?(names?|nm)|firstname|fname|frst_nm|prenoms?|pnoms?|pren|prn|prenom_usage|surnom|2nd_name',
  ],
  [
    'birth-date',
    0.95,
    'birth|birthdate|birthday|d(?:t|at|ate)?_?(?:de_)?nais(?:s|sance)?|birth_?date|dob|date_of_birth|naissance|naiss|nais|ddn|born|born_on|anniversaire|datenaissance|birth_?year',
  ],
  [
    'full-name',
    0.9,
    '(full|display|contact|person|people|customer|client|patient|user|owner|holder|recipient|beneficiary|author|employee|manager|guardian|mother|father|parent|spouse|cardholder|card_holder|account_holder|signatory|sender|doctor|teacher|student|member|guest|emergency_contact|billing|shipping|real|legal)_?names?|fullname|displayname|nom_?(pre?no?m?|prn|pren)|prn_?nom|nm_prn|nom_complet|nom_(et_)?prenoms?|(nom|prenom)_(contact|client|patient|responsable|titulaire|destinataire|signataire)|contact_nom|(client|patient|titulaire|destinataire)_nom',
  ],
  [
    'company',
    0.9,
    'compan(y|ies)|company_?name|raison_?(sociale|soc)|raisonsociale|rs_client|societe|entreprise|employers?|employeur|organi[sz]ation|organisme|firm|denomination|enseigne|business_name|legal_entity|trading_name|nom_societe|nom_entreprise',
  ],
  [
    'full-name',
    0.75,
    'titulaire|destinataire|beneficiaire|signataire|interlocuteur|contacts?|proprietaire|responsable|medecin|medecin_traitant|docteur|tuteur|tutrice|temoins?|witness(es)?|pere|mere|conjoint|conjointe|prevenir|a_prevenir|emergency_contact|next_of_kin|attendees?|participants?|signatory|cardholder|account_holder|guardian|beneficiary|assignee|payee|payer',
  ],
  [
    'username',
    0.85,
    '(user|usr|login|logon|account|screen)_?(name|nm|id)|username|usr|login|logon|nick|handle|pseudo|pseudonyme|identifiant|utilisateur|uid|[a-z]+ed_?by|(sent|made|done|taken|drawn|written|seen|paid|given)_by|trig|trigramme|initials|initiales|(cree|modifie|valide|saisi|supprime|maj)_par|user|users|operateur|skype|twitter|telegram|pen_?name|alias',
  ],
  [
    'zip',
    0.9,
    'cod_?post|cpost|c_post|zip|zipcode|zip_?code|post_?code|postal|postal_?code|code_?postal|cp|cpostal|codepostal|plz|eircode',
  ],
  [
    'address',
    0.85,
    'address(es)?|addr|adr|adresses?|street|streets|street_?(name|address|line)|rue|voie|(address|addr|adr|adresse)_?(line|ligne|l)?_?\\d|line_[123]|complement_adresse|num_voie|lieu_dit|house|house_?(number|no|name)|residence|domicile|logement|etage|appartement',
  ],
  [
    'city',
    0.85,
    'city|town|ville|commune|localite|localities|locality|municipality|village|city_?name|lieu_naissance|birth_?place|place_of_birth',
  ],
  ['country', 0.5, 'country|pays|country_?code|code_pays|natio|nation|nationality|nationalite|citizenship'],
  [
    'noise',
    0.75,
    'salar(y|ies)|(pay|hourly|daily|day|charge)_rate|(hourly|daily|weekly|monthly|annual|base|basic)_(pay|wage)|rate_of_pay|net_(a_)?pay(er|e|ee)?|net_imposable|(sal|salaire)_(base|hor|horaire)|pay_(gross|net|amount)|gross_pay|net_pay|taux_horaire|quotient_fam|qf|salaires?|wages?|income|(annual|monthly|gross|net|household|declared|taxable)_(income|salary|pay|wages?)|revenus|(rev|revenu|revenus|sal|salaire)_(mens|mensuels?|annuels?|fiscal|fisc|net|brut|imposable|menage|foyer)|remuneration|quotient_familial|lat|latitude|lng|lon|longitude|geo|geoloc|geolocation|coords?|coordinates|coordonnees|gps|position_gps|geom|geopoint|location|localisation',
  ],
  [
    'code',
    0.75,
    'matricule|matric|key_?card|card_uid|rfid|nfc|nfc_uid|badge_uid|matr|rum|mandat_sepa|mandates?|mandate_(ref|reference|id|no)|(ref|num|no)_(mandat|mandate)|(num|numero|no|ref|code|nb)_(cli|clt|adh|alloc|caf|pat|sal|emp|etu|mbr|loc|ass|abo|eleve|licence|licencie)|alloc_caf|caf_num|badge|badge_(no|number)|employee_(no|number|code)|member_(no|number)|customer_(number|no|ref|code|reference)|(num|numero|no|ref|code)_(client|adherent|dossier|patient|assure|allocataire|salarie|contrat|police)|(client|patient|adherent)_(ref|num|numero|no|number|code)|mrn|ipp|medical_record|student_(no|number)|pupil_(no|number)|licen[cs]e_plate|plate|plaque|immatriculation|immat|vin|vehicle_reg|reg_(mark|no|number|plate)|registration_(mark|no|number|plate)|(payroll|staff|personnel|clock|worker|candidate|applicant|licence|license)_(no|num|number|id|ref|code)|(carte|badge|card|abonnement|abo|permis|licence|agrement)_(lect|lecteur|adh|adherent|membre|abonne|eleve|etud|etudiant|sejour|no|num|numero|nr)|(library|reader|loyalty|membership|member|student|staff)_card(_no)?|parcelle|parc_cad|ref_cad|cadastre|(fc|oidc|oauth|openid|google|apple|azure|facebook|github|sso|saml|franceconnect)_(sub|id|uid|subject|oid)|(visa|permit|titre_sejour)_(no|num|number|ref)|titre_sejour|(external|provider)_(uid|user_id)|tacho_?card(_no)?|(compte|cpt|cpte)_(aux|auxil|auxiliaire|tiers|client|cli)|policy_(no|number)|subscriber|imei|imsi|iccid|device_id|advertising_id|idfa',
  ],
  [
    'url',
    0.75,
    '(tracking|share|public|invite|invitation|unsubscribe|reset|access|view|download|meeting)_?(link|url)(_id)?|(avatar|photo|profile|picture|image|portrait|gravatar)_?(url|uri|link|lien)?|linkedin|facebook|instagram|profile|site_?web|web_?site|homepage|blog',
  ],
  ['bytea', 0.85, 'signature|signatures|scan|empreinte|fingerprint_image'],
  [
    'text',
    0.85,
    'notes?|comments?|commentaires?|remarques?|remarks?|observations?|memo|memos|bio|biography|biographie|feedback|compte_rendu|anamnese|antecedents|historique_medical|diagnosis|diagnostic|transcript|avis|complaint|reclamation|plainte|free_text|texte_libre|message|messages|greetings?|dedication|dedicace|wishes|gift_message|card_text',
  ],
  [
    'text',
    0.75,
    'lib_(releve|mvt|mouvement|operation|op|ope|virement|vir|banque)|libelle_(releve|mouvement|operation|virement|bancaire|banque)|(bank|statement|transfer|payment)_(label|text|narrative|memo|reference)|file_?name|original_?name|nom_(du_)?fichier|fichier|attachment_?name|piece_jointe|filename|file_path|chemin_fichier',
  ],
  [
    'text',
    0.4,
    'titles?|titre|subject|sujet|objet|description|descriptif|body|corps|content|contenu|text|texte|motif|reason|raison|label|libelle|summary|resume|details?|question|answer|reponse|caption|legende|about|history|historique|error|erreur',
  ],
  ['url', 0.4, 'site|web|domaine?'],
  ['url', 0.35, 'url|uri|link|lien|href|referer|referrer'],
  ['user-agent', 0.4, 'agent|ua|browser'],
];

const compiled = rules.map(([kind, weight, pattern]) => ({ kind, weight, pattern: new RegExp(`_(?:${pattern})_`) }));

/** What turns a name into one of something else: a count of e-mails is none. */
const elsewhere =
  /_(?:count|counts|nb|nbr|nombre|qty|quantity|total|counter|compteur|is|has|can|should|allow|allowed|flag|enabled|disabled|active|actif|ok|verified|verifie|confirmed|valide|opt|optin|optout|consent|consentement|model|modele|template|gabarit|format|version|type|types|kind|status|statut|state|etat|size|taille|length|longueur|rate|taux|limit|max|min|avg|mean|category|categorie|language|langue|lang|locale|provider|operator|operateur_tel|mode|color|couleur|memory|memoire|mem|register|server|host|port|protocol|queue|frequency|frequence|delay|delai|duration|duree|ms|policy|rule|regle|schema|encoding|charset|segments|attempts|level|niveau|score|rank|position|order|ordre|firmware|hash_algo|algo|algorithm|expires|expiry|expiration|sent_at|envoye|envoi|label_key|prefix|prefixe|suffix|suffixe|indicatif|iso|class|classe)_/;
/** Rates that people are paid. */
const paid = /_(?:pay|hourly|daily|day|charge)_rate_|_rate_of_pay_|_taux_horaire_/;
const identifier = /_(?:id|ids|fk|pk|uuid|guid|oid)_$|^_(?:id|fk)_/;
const dialling =
  /_(?:phone|tel|telephone|mobile)_(?:country|pays|code|prefix|indicatif)_|_(?:country|pays)_(?:code_)?(?:tel|phone)_|_code_tel_/;

/** Words that a name holds only by accident elsewhere. */
export function nameSign(name: string, typed: { textual: boolean }): NameSign | undefined {
  const tokens = tokensOf(name);
  const text = `_${tokens.join('_')}_`;
  const found = compiled.find(({ pattern }) => pattern.test(text));
  if (!found) return undefined;
  if (dialling.test(text)) return { kind: found.kind, weight: 0.05 };
  // A key of the database's own, whatever it points at; what a register gives out is written as text.
  const numbered = found.kind === 'national-id' || found.kind === 'vat' || found.kind === 'code';
  if (identifier.test(text) && !(typed.textual && numbered)) return { kind: found.kind, weight: found.weight * 0.1 };
  if (elsewhere.test(text) && !paid.test(text)) return { kind: found.kind, weight: found.weight * 0.2 };
  return { kind: found.kind, weight: found.weight };
}

/** What a table is about, by its name, its schema and its columns. */
export type TableSubject = 'person' | 'company' | 'reference' | 'unknown';

const personTable =
  /_(?:persons?|people|personnes?|users?|utilisateurs?|customers?|clients?|contacts?|members?|membres?|adherents?|employees?|employes?|salaries?|staff|personnel|patients?|pat|praticiens?|medecins?|doctors?|physicians?|students?|pupils?|eleves?|etudiants?|teachers?|enseignants?|professeurs?|guardians?|parents?|children|enfants?|candidates?|candidats?|subscribers?|abonnes?|leads?|prospects?|guests?|visitors?|visiteurs?|drivers?|chauffeurs?|agents?|accounts?|comptes?|profiles?|profils?|authors?|auteurs?|owners?|proprietaires?|tenants?|locataires?|beneficiaires?|participants?|donors?|donateurs?|usagers?)_/;
const companyTable =
  /_(?:compan(?:y|ies)|societes?|entreprises?|organi[sz]ations?|organismes?|suppliers?|fournisseurs?|vendors?|partners?|partenaires?|firms?|tiers|employers?|employeurs?|etablissements?|merchants?|customers?|clients?|tenants?)_/;
const referenceTable =
  /_(?:ref|refs|reference|referentiel|lookup|catalog|catalogue|products?|produits?|articles?|items?|medicaments?|drugs?|devices?|appareils?|categor(?:y|ies)|categories?|communes?|countries|pays|cities|villes|regions?|departements?|currencies|devises|languages?|langues?|templates?|modeles?|gabarits?|settings|parametres?|config|roles?|permissions?|plans?|tags?|statuts?|statuses|types?|features?|translations?|traductions?|migrations?|schema|nomenclature)_/;

export function tableSubject(schema: string, table: string, columns: readonly string[]): TableSubject {
  const name = spelled(table);
  const all = `_${tokensOf(schema).join('_')}${name}`;
  const kinds = new Set(
    columns
      .map((column) => nameSign(column, { textual: true }))
      .flatMap((sign) => (sign && sign.weight > 0.5 ? [sign.kind] : [])),
  );
  if (kinds.has('first-name') || kinds.has('last-name') || kinds.has('birth-date')) return 'person';
  if (kinds.has('vat') || kinds.has('siret') || kinds.has('siren') || kinds.has('company')) return 'company';
  if (referenceTable.test(all) && !kinds.has('email') && !kinds.has('phone')) return 'reference';
  if (personTable.test(name)) return 'person';
  if (companyTable.test(name)) return 'company';
  return 'unknown';
}

/** A name that says `name` and not of what. */
export function isBareName(name: string): boolean {
  return /^_(?:name|nom|noms|names|label_name)_$/.test(spelled(name));
}

/** `copro_nom`, `nom_adh`: a name, and a word of the house beside it. */
export function isNameOfSomething(name: string): boolean {
  return /^_(?:[a-z]{2,8}_(?:nom|nm)|nom_[a-z]{2,8})_$/.test(spelled(name));
}

/** Dates of what is built, founded or published lie as far apart as birthdays. */
export function isOfThings(name: string): boolean {
  return /_(?:built|build|construction|constructed|creation|created|cree|founded|founding|foundation|fondation|inception|incorporation|incorporated|publi[a-z]*|parution|edition|release|released|acquired|acquisition|mise_en_service|immat[a-z]*)_/.test(
    spelled(name),
  );
}

/** What is called after somebody, and is nobody. */
export function isNameOfThing(name: string): boolean {
  const text = spelled(name);
  const isNamed = /_(?:nom|noms|name|names|lib|libelle|label|intitule|title|titre)_/.test(text);
  return (
    isNamed &&
    /_(?:ecole|school|college|lycee|room|salle|rue|voie|street|road|avenue|station|stop|arret|service|team|equipe|hotel|hospital|hopital|ship|boat|product|produit|skill|stage|building|batiment|site|modele|model|template)_/.test(
      text,
    )
  );
}

/** `unsub_key`, `download_token`; sums of contents are called otherwise. */
export function isNameOfKey(name: string): boolean {
  const text = spelled(name);
  return (
    /_(?:keys?|tokens?|links?|secrets?|codes?|cle|jeton)_/.test(text) &&
    !/_(?:sha\d*|md5|sum|checksum|digest|etag|file|content|commit|object|chunk|cache|s3|storage|bucket)_/.test(text)
  );
}
