import type { Random } from './random.ts';

/** Made-up people, firms and prose, in English and French. */

export type Language = 'en' | 'fr';

const list = (text: string): readonly string[] => text.trim().split(/\s+/);

export const givenNames: Record<Language, readonly string[]> = {
  en: list(`Olivia Noah Amelia George Isla Arthur Ava Muhammad Ivy Leo Freya Oscar Lily Theo Florence Harry Willow Archie
    Mia Jack Rosie Henry Sophie Charlie Grace Freddie Ella Thomas Poppy William Chloe Isaac Zoë Siobhán Seán Chloë Renée`),
  fr: list(`Jade Gabriel Louise Raphaël Ambre Léo Alba Louis Emma Maël Rose Noah Alice Jules Romy Adam Anna Arthur Lina
    Isaac Léna Liam Mila Sacha Agathe Gaël Inès Théo Éléonore Zoé Noé François Jérôme Anaïs Benoît Chloé Maëlys Loïc
    Cécile Hélène Grégoire Océane Félix Aurélie`),
};

export const familyNames: Record<Language, readonly string[]> = {
  en: list(`Smith Jones Taylor Brown Williams Wilson Johnson Davies Patel Robinson Wright Thompson Evans Walker White
    Roberts Green Hall Thomas Clarke Jackson Wood Harris Edwards Turner Martin Cooper Hill Ward Hughes Moore Clark King
    Harrison Lewis Baker Lee Allen Morris Khan Scott Watson Davis Parker Bennett Young Cook Richardson Griffiths Bell
    O'Brien O'Neill Nuñez Müller Håkansson Brontë`),
  fr: list(`Martin Bernard Thomas Petit Robert Richard Durand Dubois Moreau Laurent Simon Michel Lefèvre Leroy Roux David
    Bertrand Morel Fournier Girard Bonnet Dupont Lambert Fontaine Rousseau Vincent Müller Lefebvre Faure André Mercier
    Blanc Guérin Boyer Garnier Chevalier François Legrand Gauthier Garcia Perrin Robin Clément Morin Nicolas Henry
    Roussel Mathieu Gautier Masson Marchand Duval Denis Dumont Marie Lemaire Noël Meyer Dufour Meunier Brun Béranger
    D'Artois L'Hôte Nguyễn`),
};

export const cities: Record<Language, readonly string[]> = {
  en: list(`London Birmingham Leeds Glasgow Sheffield Manchester Edinburgh Liverpool Bristol Cardiff Belfast Leicester
    Nottingham Plymouth Norwich Exeter York Bath Oxford Cambridge Dublin Cork Galway Inverness`),
  fr: list(`Paris Marseille Lyon Toulouse Nice Nantes Montpellier Strasbourg Bordeaux Lille Rennes Reims Saint-Étienne
    Toulon Grenoble Dijon Angers Nîmes Besançon Orléans Rouen Mulhouse Caen Nancy Évry Sète Béziers Thônes`),
};

const streets: Record<Language, readonly string[]> = {
  en: list(`High Station Church Victoria Park Green Manor Kings Queens Mill School North South Grange Windsor Albert`),
  fr: list(`Victor-Hugo Jean-Jaurès Pasteur République Liberté Moulin Église Château Gambetta Clémenceau Fontaine Écoles
    Mairie Gare Lilas Tilleuls Voltaire Molière`),
};

const areas = list(`SW EC LS M B G EH`);
const industry =
  list(`Analytics Logistics Studio Conseil Partners Énergie Atelier Systems Imprimerie Bâtiment Foods Textiles
  Mobility Santé Archives Software Optique Transports Labs Ingénierie Éditions Workshop Services Holding`);

/** The most frequent first: `favour` picks by place. */
const prose: Record<Language, readonly string[]> = {
  en: list(`the of and to a in is that for it as was with be by on not this are or from at which but have an had they you
    were their one all we can her has there been if more when will would who so no out up into than them only some could
    time these two may then do first any my now such like our over me even most made after also did many before must
    through back years where much your way well down should because each just those people how too little state good
    very make world still own see men work long get here between both life being under never day same another know while
    last might us great old year off come since against go came right used take three invoice payment order delivery
    contract customer meeting report project budget account support request answer question version change update draft
    review approve agreed signature deadline reminder schedule service quality supplier stock warehouse shipment refund
    discount price total amount balance transfer receipt statement quarter annual monthly weekly office remote travel
    expense ticket incident outage recovery backup restore archive retention security access password device laptop
    printer network training onboarding holiday sickness insurance pension salary bonus interview candidate hiring
    marketing campaign website newsletter analytics conversion audience brand design prototype feedback feature release
    milestone roadmap estimate risk mitigation compliance audit regulation privacy consent processor controller transfer
    production machine maintenance inspection certificate tolerance measurement material steel timber glass paint
    furniture lighting heating insulation plumbing wiring foundation scaffold permit neighbour council planning`),
  fr: list(`de la le et les des en un du une que est pour qui dans a par plus pas au sur ne se ce il sont avec son aux d'un
    cette d'une ont ses mais comme on tout nous sa fait été aussi leur bien peut ces y deux même n'a être elle c'est
    depuis très entre sans après avant ou encore temps ans dont autres vers si alors notre sous toujours moins où donc
    jour cas selon plusieurs contre lors fois première pendant déjà chez grand monde travail année facture paiement
    commande livraison contrat client réunion rapport projet budget compte demande réponse question modification
    brouillon relecture validé signature échéance rappel calendrier prestation qualité fournisseur stock entrepôt
    expédition remboursement remise prix total montant solde virement reçu relevé trimestre annuel mensuel hebdomadaire
    bureau télétravail déplacement frais incident panne reprise sauvegarde restauration archive conservation sécurité
    accès appareil ordinateur imprimante réseau formation accueil congé maladie assurance retraite salaire prime
    entretien candidature recrutement campagne site lettre audience marque maquette retour fonctionnalité livraison jalon
    estimation risque conformité audit règlement confidentialité consentement sous-traitant responsable transfert
    production machine entretien contrôle certificat tolérance mesure matériau acier bois verre peinture mobilier
    éclairage chauffage isolation plomberie câblage fondation échafaudage permis voisin mairie urbanisme équipe élève
    hôpital forêt où l'été d'après août naïf cœur œuvre`),
};

/** Rare words are made of syllables: real texts have names and terms that never come twice. 64, so that 6 bits choose. */
const syllables =
  list(`ba be bo ca ce co da de di do fa fe fi ga ge go la le li lo ma me mi mo na ne ni no pa pe pi po ra re
  ri ro sa se si so ta te ti to va ve vi vo tion ment age eur esse tor lin ber mar son vil gar ton wick ley dre que lan`);

/** Two to four syllables, from one draw: text is most of the demo's data, and this its innermost loop. */
function rareWord(random: Random): string {
  const bits = random.next();
  let word = syllables[bits & 63]! + syllables[(bits >>> 6) & 63]!;
  for (let i = bits >>> 30; i > 1; i--) word += syllables[(bits >>> (6 * i)) & 63]!;
  return word;
}

const vocabularySize = 4096;

/** The words with the comma or space before them, as often as texts have them: the first ones of `prose` much more. */
function frequent(language: Language): readonly string[] {
  const words = prose[language];
  return Array.from({ length: vocabularySize }, (_, i) => {
    const place = (i + 0.5) / vocabularySize;
    const word = words[Math.floor(place ** 3 * words.length)]!;
    return i % 12 === 5 ? `, ${word}` : ` ${word}`;
  });
}

const vocabulary: Record<Language, readonly string[]> = { en: frequent('en'), fr: frequent('fr') };

/** `words` words with a capital at the start and a full stop at the end, some commas and numbers between. */
export function sentence(random: Random, language: Language, words: number): string {
  const table = vocabulary[language];
  let text = capital(rareOrFrequent(random, table, random.next()).replace(/^,? /, ''));
  for (let i = 1; i < words; i++) text += rareOrFrequent(random, table, random.next());
  return `${text}.`;
}

function rareOrFrequent(random: Random, table: readonly string[], bits: number): string {
  const percent = ((bits >>> 12) * 100) / 0x10_0000;
  if (percent < 9) return ` ${rareWord(random)}`;
  if (percent < 12) return ` ${bits % 10_000}`;
  return table[bits & (vocabularySize - 1)]!;
}

/** Sentences of about `characters` characters in all. */
export function paragraph(random: Random, language: Language, characters: number): string {
  let text = sentence(random, language, random.between(5, 16));
  while (text.length < characters) text += ` ${sentence(random, language, random.between(5, 16))}`;
  return text;
}

export function capital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}

export interface MadeUpPerson {
  language: Language;
  given: string;
  family: string;
  email: string;
  phone: string;
  iban: string;
  street: string;
  postalCode: string;
  city: string;
  country: 'FR' | 'GB';
}

export function person(random: Random, domain: string): MadeUpPerson {
  const language: Language = random.chance(0.55) ? 'fr' : 'en';
  const french = language === 'fr';
  const given = random.pick(givenNames[language]);
  const family = random.pick(familyNames[language]);
  return {
    language,
    given,
    family,
    email: `${ascii(given)}.${ascii(family)}${random.chance(0.4) ? random.between(1, 99) : ''}@${domain}`,
    // Numbers that are set aside for fiction.
    phone: french ? `+33 6 39 98 ${digits(random, 2)} ${digits(random, 2)}` : `+44 7700 900${digits(random, 3)}`,
    iban: french ? iban('FR', digits(random, 23)) : iban('GB', `HFST${digits(random, 14)}`),
    street: french
      ? `${random.between(1, 180)} rue ${random.pick(streets.fr)}`
      : `${random.between(1, 180)} ${random.pick(streets.en)} Street`,
    postalCode: french ? digits(random, 5) : `${random.pick(areas)}${random.between(1, 20)} 1AA`,
    city: random.pick(cities[language]),
    country: french ? 'FR' : 'GB',
  };
}

export function firm(random: Random): string {
  const name = random.chance(0.5) ? random.pick(familyNames.fr) : capital(rareWord(random));
  return `${name} ${random.pick(industry)}${random.pick(['', ' SAS', ' Ltd', ' & Fils', ' SARL', ' GmbH'])}`;
}

/** Without accents and anything but letters, in lower case. */
export function ascii(text: string): string {
  let plain = plainNames.get(text);
  if (plain === undefined) {
    plain = text
      .normalize('NFD')
      .replace(/[^A-Za-z]/g, '')
      .toLowerCase();
    plainNames.set(text, plain);
  }
  return plain;
}

const plainNames = new Map<string, string>();

export function digits(random: Random, count: number): string {
  let text = '';
  for (let i = 0; i < count; i++) text += random.below(10);
  return text;
}

/** With check digits that are right: ISO 13616, the number moved to the end, mod 97. */
function iban(country: string, account: string): string {
  let rest = 0;
  for (const character of `${account}${country}00`) {
    const value = Number.parseInt(character, 36);
    rest = (rest * (value > 9 ? 100 : 10) + value) % 97;
  }
  return `${country}${String(98 - rest).padStart(2, '0')}${account}`;
}
