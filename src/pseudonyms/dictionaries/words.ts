const list = (words: string): readonly string[] => words.split(/\s+/).filter(Boolean);

/** Parts of company names. */
export const companyWords = {
  fr: {
    heads: list(`
      Atelier Maison Groupe Comptoir Cabinet Société Établissements Agence Bureau Compagnie Domaine Fabrique Garage Laboratoire Librairie Manufacture
      Menuiserie Pharmacie Imprimerie Transports Travaux Services Conseil Constructions Énergies Solutions Systèmes Techniques Industries Logistique`),
    cores: list(`
      Alizé Ambrine Arborescence Arpège Aubépine Azuréa Balisier Boréal Brindille Calypso Cardinale Célestine Chrysalide Cobalt Corail Crépuscule
      Émeraude Equinoxe Estuaire Florélia Galion Garance Glycine Granit Héliante Horizon Indigo Jaspe Lagune Lavandin Mélisse Méridien Mistral
      Nacre Oléandre Orchidée Orion Palissandre Parhélie Pervenche Phare Quartz Rivage Romarin Saphir Solstice Terrasse Topaze Tramontane Vallon
      Vanille Vermeil Verveine Zéphyr`),
    tails: ['SARL', 'SAS', 'SA', 'SASU', 'EURL', 'SCOP'],
  },
  en: {
    heads: list(`
      Acorn Amber Anchor Arrow Beacon Birchwood Bluestone Brightside Brookfield Cascade Clearwater Cobalt Copper Crescent Cypress Driftwood Eastgate
      Evergreen Falcon Fernhill Foxglove Granite Greenfield Harborview Hawthorne Heron Highgate Ironbridge Juniper Kestrel Lakeside Lantern
      Larkspur Maplewood Meridian Millstone Northwind Oakridge Orchard Osprey Pinecrest Quarry Redwood Riverbend Sandstone Silverleaf Southgate
      Summit Thistle Tidewater Westbrook Whitestone Willowbrook Windmill`),
    cores: list(`
      Analytics Bakery Builders Capital Carpentry Catering Consulting Contractors Design Dynamics Electric Engineering Equipment Farms Foods Freight
      Furniture Garages Glass Holdings Industries Instruments Interiors Laboratories Logistics Machinery Marine Media Metals Mills Networks Optics
      Packaging Partners Pharmacy Plumbing Press Printing Properties Roofing Services Software Solutions Supplies Systems Textiles Tooling Trading Works`),
    tails: ['Ltd', 'LLC', 'Inc', 'PLC', 'LLP', '& Co'],
  },
} as const;

/** Filler without a meaning, two to twelve letters. */
export const fillerWords = list(`
  ad et in ut ex ab id non sed per qui quo cum hic nec sit amet dolor ipsum lorem magna velit nulla elit enim quis sint culpa fugiat minim
  aliqua cillum dolore eiusmod labore laboris tempor veniam nostrud mollit officia pariatur proident occaecat voluptate commodo consequat
  incididunt adipiscing consectetur excepteur cupidatat deserunt exercitation irure aute anim esse duis reprehenderit ullamco aliquip
  sunt laborum est`);

/** One for each of a few common browsers. */
export const userAgents: readonly string[] = [
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36',
  'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36',
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari/605.1.15',
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:132.0) Gecko/20100101 Firefox/132.0',
  'Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0',
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1',
  'Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Mobile Safari/537.36',
];
