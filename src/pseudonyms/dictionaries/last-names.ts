/** Family names in common use; which one is drawn tells nothing about the one it stands for. */
const list = (names: string): readonly string[] => names.split(/\s+/).filter(Boolean);

export const lastNames = {
  fr: list(`
    Adam Albert Alexandre Allard André Antoine Arnaud Aubert Aubry Bailly Barbier Baron Barre Barthélemy Baudry Bazin Benard Benoit Berger
    Bernard Berthelot Bertin Bertrand Besnard Besson Bigot Blanc Blanchard Blanchet Blin Bodin Bonnet Bonneau Boucher Bouchet Boulanger
    Boulay Bouquet Bourdon Bourgeois Bouvier Boyer Breton Briand Brun Bruneau Brunet Buisson Burger Camus Carlier Caron Carpentier Carre
    Cartier Chambon Chapuis Charles Charpentier Charrier Chartier Chauveau Chauvin Chevalier Chevallier Clerc Clément Colas Colin Collet
    Collin Cordier Cornu Coste Courtois Cousin Coulon Daniel David Delage Delahaye Delannoy Delattre Delaunay Delmas Delorme Denis
    Descamps Deschamps Devaux Didier Dubois Duchemin Duchesne Dufour Duhamel Dumas Dumont Dupont Dupuis Dupuy Durand Duval Etienne Evrard
    Fabre Faivre Faure Favre Fernandez Ferrand Fischer Fleury Fontaine Forest Fortin Foucher Fournier François Gaillard Gallet Garnier
    Gaudin Gauthier Gautier Gay Georges Gérard Germain Gilbert Gilles Girard Giraud Godard Gonzalez Goujon Gros Grandjean Grenier Guérin
    Guichard Guilbert Guillaume Guillet Guillon Guillot Guyot Hamel Hamon Hardy Hébert Henry Hervé Hoarau Hubert Huet Hugues Humbert Imbert
    Jacob Jacques Jacquet Jacquot Jamet Jean Joly Jourdan Julien Klein Labbé Lacombe Lacroix Lafont Lagarde Lambert Lamy Langlois Laporte
    Laurent Lebon Lebrun Leblanc Leclerc Leclercq Lecomte Leconte Ledoux Leduc Lefebvre Lefort Lefèvre Legendre Léger Legrand Legros Lejeune
    Lelièvre Lemaire Lemaître Lemoine Lenoir Léonard Leroux Leroy Lesage Levasseur Loiseau Lombard Louis Lucas Mace Magnier Maillard Maillet
    Mallet Marchal Marchand Maréchal Marie Marion Marquet Martel Martin Martinet Mary Masson Mathieu Maurice Maury Menard Mercier Merle
    Meunier Meyer Michaud Michel Millet Monnier Moreau Morel Morin Morvan Moulin Muller Neveu Nicolas Noël Normand Olivier Ollivier
    Pages Paris Parent Pascal Pasquier Paul Payet Pelletier Peltier Perret Perrier Perrin Perrot Petit Petitjean Philippe Picard
    Pichon Pierre Pineau Poirier Pons Potier Pottier Poulain Prévost Prigent Pruvost Rault Raymond Raynaud Rémy Renard Renaud Renault Rey
    Reynaud Ribeiro Richard Rivière Robert Robin Roche Rocher Roger Rolland Rossignol Rousseau Roussel Rousset Roux Roy Royer
    Sabatier Salmon Samson Sauvage Schmitt Schneider Seguin Simon Simonet Tanguy Tessier Texier Thibault Thomas Thierry Tournier
    Toussaint Turpin Vaillant Valentin Vallée Valet Vasseur Verdier Vernet Vidal Vigneron Vincent Voisin Wagner Weber`),
  en: list(`
    Abbott Adams Alexander Allen Anderson Andrews Archer Armstrong Arnold Ashton Atkins Atkinson Austin Bailey Baker Baldwin Ball
    Banks Barber Barker Barlow Barnes Barnett Barrett Barry Bartlett Barton Bates Baxter Beck Bell Bennett Benson Berry Bird Bishop Black
    Blair Blake Bolton Bond Booth Bowen Bowman Boyd Bradley Bradshaw Brady Brewer Bridges Briggs Brooks Brown Bruce Bryant Buckley
    Burgess Burke Burnett Burns Burton Bush Butler Byrne Cameron Campbell Carlson Carpenter Carr Carroll Carter Chambers Chandler Chapman
    Chase Clark Clarke Clayton Cole Coleman Collier Collins Connolly Conway Cook Cooper Cox Craig Crawford Cross Cunningham Curtis Dale
    Dalton Daniels Davidson Davies Davis Dawson Day Dean Dennis Dixon Donnelly Douglas Doyle Drake Duncan Dunn Eaton Edwards Elliott Ellis
    Emerson Evans Farmer Farrell Ferguson Field Fisher Fitzgerald Fleming Fletcher Flynn Ford Forster Foster Fowler Fox Francis Franklin
    Fraser Freeman French Frost Fuller Gallagher Gardner Garner George Gibbs Gibson Gilbert Gill Glover Goodman Goodwin Gordon Graham
    Grant Graves Gray Green Greene Greer Gregory Griffin Griffiths Hale Hall Hamilton Hammond Hancock Hansen Harding Hardy Harmon Harper
    Harris Harrison Hart Harvey Hawkins Hayes Haynes Henderson Henry Hicks Higgins Hill Hobbs Hodges Holland Holloway Holmes Holt Hood
    Hope Hopkins Horton Houston Howard Howell Hudson Hughes Hunt Hunter Hurst Hutchinson Ingram Jackson Jacobs James Jefferson
    Jenkins Jennings Jensen Johnson Johnston Jones Jordan Joyce Kane Kay Keller Kelley Kelly Kemp Kennedy Kent Kerr King Kirby Kirk
    Knight Knowles Lamb Lambert Lane Larson Lawrence Lawson Leach Lee Lester Lewis Lindsey Little Lloyd Logan Long Lowe Lucas Lynch Lyons
    Mann Manning Marsh Marshall Martin Mason Matthews Maxwell May McCarthy McCoy McDonald McKenzie Meyer Miles Miller Mills Mitchell
    Monroe Montgomery Moore Morgan Morris Morrison Morton Moss Mullins Murphy Murray Myers Nash Neal Nelson Newman Newton Nichols
    Nicholson Nixon Noble Nolan Norman Norris Norton Oliver Olson Osborne Owen Page Palmer Parker Parsons Patterson Payne Pearce Pearson
    Perkins Perry Peters Phillips Pierce Poole Pope Porter Potter Powell Pratt Preston Price Quinn Ramsey Randall Ray Reed Reeves Reid
    Reynolds Rhodes Rice Richards Richardson Riley Rivers Robbins Roberts Robertson Robinson Rogers Rose Ross Rowe Russell Ryan Sanders
    Saunders Sawyer Schmidt Scott Sharp Shaw Shepherd Sherman Simmons Simpson Sims Skinner Slater Smith Snyder Spencer Stanley
    Steele Stephens Stevens Stewart Stokes Stone Stuart Sullivan Sutton Swanson Sweeney Tate Taylor Terry Thomas Thompson Thornton
    Todd Townsend Tucker Turner Tyler Underwood Vaughn Vincent Wade Wagner Walker Wallace Walsh Walters Walton Ward Warner Warren
    Washington Waters Watkins Watson Watts Weaver Webb Weber Webster Weeks Welch Wells West Wheeler White Wilkins Wilkinson Williams
    Williamson Willis Wilson Winters Wise Wolfe Wood Woods Woodward Wright Wyatt Yates York Young`),
} as const;
