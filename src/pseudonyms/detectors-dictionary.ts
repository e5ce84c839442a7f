/** Short dictionaries: enough of what is frequent that a column of names shows, never that one name is proven. */
import { moreFamilyNames, moreGivenNames } from './detectors-names.ts';
import { firstNames } from './dictionaries/first-names.ts';
import { lastNames } from './dictionaries/last-names.ts';

const words = (text: string): ReadonlySet<string> => new Set(text.trim().split(/\s+/));

/** Lower case, without accents. */
const frequentGivenNames = words(`
  adam adele adrien agathe agnes alain albert alexandra alexandre alexis alice aline amandine amelia amelie amy
  ana andre andrea andrew angela anna anne annie anthony antoine archie arnaud arthur aurelie aurore ava axel barbara
  baptiste beatrice ben benjamin benoit bernard betty brian brigitte bruno camille carla carlos carol caroline
  catherine cecile celine chantal charles charlie charlotte chloe christelle christian christine christophe claire
  claude claudine clement coralie corinne cyril damien daniel daniele david deborah delphine denis denise diana didier
  dominique donald donna dorothee dylan edith edouard edward eleonore elisabeth elise elizabeth ella elodie emily emma
  emmanuel emmanuelle eric estelle ethan etienne eva evelyne fabien fabrice fanny fatima felix fernand florence
  florian florence france francis franck francois francoise frank frederic freddie freya gabriel gabrielle gael
  gaelle genevieve george georges gerard gilles giulia grace gregory guillaume guy guillaume hannah harry hassan
  helen helene henri henry herve hugo hugues ines irene isaac isabelle isla ivan jack jacqueline jacques jade james jane
  jason jean jeanne jennifer jeremy jerome jessica joan joel john johanna jonathan jose joseph josephine joshua joyce
  juan judith jules julia julie julien juliette karen karim karine kate katherine kelly kenneth kevin khadija kim
  laetitia lara laura laure laurence laurent lea leila leo leon leonie liam lily lina linda lisa loic lou louis louise
  luc luca lucas lucie lucy luke lydie madeleine mael maelys maeva magali malik manon manuel marc marcel margaret margaux
  maria mariam marie marine marion mark marta marthe martin martine mary mathieu mathilde matteo matthew maud maurice max
  maxime megan mehdi melanie melissa mia michael michel michele mila mireille mohamed mohammed monique morgane
  muhammad muriel myriam nadia nadine nancy nathalie nathan nicolas nicole nina noah noe noemie nora odile oliver olivia
  olivier omar oscar pamela pascal pascale patricia patrick paul paula pauline peter philippe pierre poppy quentin rachel
  rachid raphael raymond rebecca regine remi renaud rene renee richard robert robin roger roland romain romane romy ronald
  rosa rose rosie ruth ryan sabine sabrina sacha samantha samir samuel sandra sandrine sara sarah scott sebastien serge
  severine simon simone sofia solange sonia sophia sophie stefan stephane stephanie stephen steven susan suzanne sylvain
  sylvie teresa theo theodore therese thierry thomas tim timothee timothy tom tristan valentin valentine valerie
  vanessa veronique victor victoria vincent virginie viviane william willow xavier yann yannick yasmine yves yvette yvonne
  zoe zineb`);

const frequentFamilyNames = words(`
  adams allen anderson andre arnaud aubert bailey baker barbier baron barnes benard bell bennett berger bernard
  bertrand besson blanc blanchard bonnet bouvier boyer brown brun brunet campbell caron carpentier carter chevalier clark
  clarke clement colin collet collins cook cooper cox cruz da-silva daniel david davies davis deschamps denis diaz
  dubois dufour dumas dumont dupont dupuis durand duval edwards evans faure fernandez fleury fontaine fournier
  francois gaillard garcia garnier gauthier gautier gerard girard giraud gomez gonzalez gray green griffiths guerin
  guillaume guillot hall harris harrison henry hernandez hill hubert hughes huet jackson james johnson jones joly kelly
  khan king lacroix lambert lebrun leclerc lecomte lee lefebvre lefevre legrand lemaire lemoine leroux leroy lewis
  lopez louis lucas mallet marchand marie martin martinez masson mathieu menard mercier meunier meyer michel miller
  mitchell moore moreau morel morgan morin morris muller murphy murray nelson nguyen nicolas noel olivier parker patel
  perez perrin perrot petit phillips philippe picard pierre poirier pons price renard renaud reynolds richard
  richardson riviere robert roberts robin robinson roche rodriguez roger rogers rolland ross rousseau roussel roux roy
  roux ryan sanchez schmitt schneider scott shaw simon smith stewart taylor thomas thompson turner vasseur vidal
  vincent walker ward watson white williams wilson wood wright young`);

export const places = words(`
  aix-en-provence amiens amsterdam angers annecy antibes argenteuil avignon barcelona barcelone bath bayonne belfast
  berlin besancon birmingham bordeaux boulogne brest brighton bristol bruxelles brussels caen calais cambridge cannes
  cardiff chambery clermont-ferrand colmar cork coventry derby dijon dublin dunkerque edinburgh evry exeter galway
  geneve geneva glasgow grenoble hull inverness la-rochelle lausanne le-havre le-mans leeds leicester liege lille limoges
  lisbonne liverpool london londres lorient lyon madrid manchester marseille metz milan montpellier montreal montreuil
  mulhouse nancy nanterre nantes newcastle nice nimes norwich nottingham orleans oxford paris pau perpignan plymouth
  poitiers portsmouth quimper reading reims rennes roma rome rouen saint-denis saint-etienne sheffield southampton
  strasbourg sunderland swansea toulon toulouse tours troyes valence versailles villeurbanne york zurich`);

/** Lower case and without accents: `Zoé` → `zoe`. */
export function plainWord(text: string): string {
  return text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase();
}

/** As names are looked up: apostrophes and spaces within them become hyphens. */
function known(frequent: ReadonlySet<string>, more: readonly string[], drawn: Record<string, unknown>): Set<string> {
  const all = Object.values(drawn).flatMap((names) => (Array.isArray(names) ? (names as string[]) : []));
  return new Set([...frequent, ...more, ...all.map((name) => plainWord(name).replace(/[ ’']/g, '-'))]);
}

export const givenNames: ReadonlySet<string> = known(frequentGivenNames, moreGivenNames, firstNames);
export const familyNames: ReadonlySet<string> = known(frequentFamilyNames, moreFamilyNames, lastNames);
