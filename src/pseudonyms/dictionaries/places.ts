/** Towns with one of their postal codes, and street names: an address made of them is coherent, and nobody's. */
export interface Place {
  readonly city: string;
  readonly zip: string;
  /** Département or state. */
  readonly region: string;
}

const french = `
  Paris 75011|Marseille 13004|Lyon 69003|Toulouse 31000|Nice 06000|Nantes 44000|Montpellier 34000|Strasbourg 67000|Bordeaux 33000|Lille 59000|
  Rennes 35000|Reims 51100|Toulon 83000|Saint-Étienne 42000|Le Havre 76600|Grenoble 38000|Dijon 21000|Angers 49000|Villeurbanne 69100|Nîmes 30000|
  Clermont-Ferrand 63000|Aix-en-Provence 13100|Le Mans 72000|Brest 29200|Tours 37000|Amiens 80000|Annecy 74000|Limoges 87000|Metz 57000|
  Perpignan 66000|Besançon 25000|Orléans 45000|Rouen 76000|Mulhouse 68100|Caen 14000|Nancy 54000|Argenteuil 95100|Montreuil 93100|Roubaix 59100|
  Tourcoing 59200|Dunkerque 59140|Avignon 84000|Créteil 94000|Poitiers 86000|Nanterre 92000|Versailles 78000|Courbevoie 92400|Pau 64000|
  Colombes 92700|Asnières-sur-Seine 92600|Rueil-Malmaison 92500|La Rochelle 17000|Antibes 06600|Calais 62100|Cannes 06400|Béziers 34500|Colmar 68000|
  Bourges 18000|Mérignac 33700|Ajaccio 20000|Quimper 29000|Valence 26000|Troyes 10000|Chambéry 73000|Niort 79000|Lorient 56100|Sarcelles 95200|
  Cholet 49300|Pessac 33600|Ivry-sur-Seine 94200|Cergy 95000|Évreux 27000|Vannes 56000|Laval 53000|Belfort 90000|Arles 13200|Blois 41000|
  Charleville-Mézières 08000|Albi 81000|Châlons-en-Champagne 51000|Gap 05000|Auxerre 89000|Nevers 58000|Tarbes 65000|Castres 81100|Bastia 20200|
  Angoulême 16000|Boulogne-sur-Mer 62200|Saint-Malo 35400|Saint-Brieuc 22000|Bayonne 64100|Mâcon 71000|Chalon-sur-Saône 71100|Agen 47000|Périgueux 24000|
  Rodez 12000|Aurillac 15000|Cahors 46000|Auch 32000|Foix 09000|Carcassonne 11000|Narbonne 11100|Mende 48000|Le Puy-en-Velay 43000|Privas 07000|
  Montélimar 26200|Digne-les-Bains 04000|Épinal 88000|Bar-le-Duc 55000|Chaumont 52000|Vesoul 70000|Lons-le-Saunier 39000|Bourg-en-Bresse 01000|
  Moulins 03000|Vichy 03200|Guéret 23000|Tulle 19000|Brive-la-Gaillarde 19100|Châteauroux 36000|Chartres 28000|Dreux 28100|Alençon 61000|
  Saint-Lô 50000|Cherbourg-en-Cotentin 50100|Beauvais 60000|Compiègne 60200|Laon 02000|Soissons 02200|Saint-Quentin 02100|Arras 62000|Lens 62300|
  Valenciennes 59300|Douai 59500|Melun 77000|Meaux 77100|Évry-Courcouronnes 91000|Massy 91300|Saint-Denis 93200|Bobigny 93000|Vincennes 94300`;

const american = `
  Albany NY 12207|Albuquerque NM 87102|Alexandria VA 22314|Allentown PA 18101|Amarillo TX 79101|Anchorage AK 99501|Ann Arbor MI 48104|Asheville NC 28801|
  Atlanta GA 30303|Augusta ME 04330|Austin TX 78701|Bakersfield CA 93301|Baltimore MD 21202|Bangor ME 04401|Baton Rouge LA 70801|Bellevue WA 98004|
  Billings MT 59101|Birmingham AL 35203|Bismarck ND 58501|Boise ID 83702|Boston MA 02108|Boulder CO 80302|Bozeman MT 59715|Bridgeport CT 06604|
  Buffalo NY 14202|Burlington VT 05401|Cambridge MA 02139|Casper WY 82601|Cedar Rapids IA 52401|Charleston SC 29401|Charlotte NC 28202|
  Chattanooga TN 37402|Cheyenne WY 82001|Chicago IL 60601|Cincinnati OH 45202|Cleveland OH 44113|Columbia MO 65201|Columbus OH 43215|Concord NH 03301|
  Dallas TX 75201|Dayton OH 45402|Denver CO 80202|Des Moines IA 50309|Detroit MI 48226|Duluth MN 55802|Durham NC 27701|El Paso TX 79901|Erie PA 16501|
  Eugene OR 97401|Evansville IN 47708|Fargo ND 58102|Flint MI 48502|Fort Collins CO 80521|Fort Wayne IN 46802|Fresno CA 93721|Grand Rapids MI 49503|
  Green Bay WI 54301|Greensboro NC 27401|Greenville SC 29601|Harrisburg PA 17101|Hartford CT 06103|Helena MT 59601|Honolulu HI 96813|Houston TX 77002|
  Huntsville AL 35801|Indianapolis IN 46204|Jackson MS 39201|Jacksonville FL 32202|Juneau AK 99801|Kansas City MO 64106|Knoxville TN 37902|
  Lafayette LA 70501|Lansing MI 48933|Las Vegas NV 89101|Lexington KY 40507|Lincoln NE 68508|Little Rock AR 72201|Louisville KY 40202|Lubbock TX 79401|
  Madison WI 53703|Memphis TN 38103|Miami FL 33130|Milwaukee WI 53202|Minneapolis MN 55401|Missoula MT 59802|Mobile AL 36602|Montpelier VT 05602|
  Nashville TN 37203|Newark NJ 07102|New Haven CT 06510|New Orleans LA 70112|Norfolk VA 23510|Oakland CA 94607|Oklahoma City OK 73102|Omaha NE 68102|
  Orlando FL 32801|Pensacola FL 32502|Peoria IL 61602|Philadelphia PA 19103|Phoenix AZ 85004|Pittsburgh PA 15222|Portland OR 97204|Providence RI 02903|
  Provo UT 84601|Raleigh NC 27601|Reno NV 89501|Richmond VA 23219|Roanoke VA 24011|Rochester NY 14604|Sacramento CA 95814|Salem OR 97301|
  Salt Lake City UT 84101|San Antonio TX 78205|San Diego CA 92101|San Jose CA 95113|Santa Fe NM 87501|Savannah GA 31401|Scranton PA 18503|Seattle WA 98101|
  Shreveport LA 71101|Sioux Falls SD 57104|Spokane WA 99201|Springfield IL 62701|Syracuse NY 13202|Tacoma WA 98402|Tallahassee FL 32301|Tampa FL 33602|
  Toledo OH 43604|Topeka KS 66603|Trenton NJ 08608|Tucson AZ 85701|Tulsa OK 74103|Tuscaloosa AL 35401|Wichita KS 67202|Wilmington DE 19801|Worcester MA 01608`;

function entries(text: string, zips: RegExp): readonly Place[] {
  return text.split('|').map((entry) => {
    const [, city, region, zip] = zips.exec(entry.trim())!;
    return { city: city!, zip: zip!, region: region || zip!.slice(0, 2) };
  });
}

export const places = {
  fr: entries(french, /^(.+?)()\s(\d{5})$/),
  en: entries(american, /^(.+)\s([A-Z]{2})\s(\d{5})$/),
} as const;

export const countries = {
  fr: { name: 'France', code: 'FR' },
  en: { name: 'United States', code: 'US' },
} as const;

const streetNames = {
  fr: `des Lilas|des Tilleuls|de la Gare|du Moulin|des Écoles|de la Fontaine|du Château|des Jardins|de l’Église|du Stade|des Peupliers|des Acacias|
    de la Mairie|du Lavoir|des Champs|de la Forêt|des Vignes|du Marché|de la Poste|des Roses|des Chênes|du Pont|de la Source|des Prés|du Verger|
    de la Colline|des Bouleaux|du Port|de la Plage|des Pommiers|des Cerisiers|du Canal|de la Rivière|des Merisiers|du Puits|des Érables|de la Paix|
    du Commerce|des Artisans|de la Prairie|des Noyers|du Parc|des Platanes|de la Vallée|des Genêts|des Mimosas|du Midi|du Levant|des Hirondelles|des Alouettes`,
  en: `Oak|Maple|Cedar|Pine|Elm|Walnut|Chestnut|Willow|Birch|Spruce|Hickory|Juniper|Magnolia|Poplar|Sycamore|Laurel|Hawthorn|Aspen|Linden|Cypress|
    Lake|Hill|River|Meadow|Valley|Spring|Forest|Park|Garden|Orchard|Prairie|Sunset|Highland|Ridge|Mill|Church|School|Station|Market|Bridge|
    Harbor|Canyon|Quarry|Brook|Canal|Garrison|Foundry|Lighthouse|Summit|Harvest`,
};
const split = (text: string): readonly string[] => text.split('|').map((name) => name.trim());

export const streets = {
  fr: {
    names: split(streetNames.fr),
    ways: ['rue', 'avenue', 'chemin', 'impasse', 'allée', 'boulevard', 'place', 'route'],
  },
  en: { names: split(streetNames.en), ways: ['Street', 'Avenue', 'Lane', 'Road', 'Drive', 'Court', 'Way', 'Place'] },
} as const;
