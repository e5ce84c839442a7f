/** First names in common use; which one is drawn tells nothing about the one it stands for. */
const list = (names: string): readonly string[] => names.split(/\s+/).filter(Boolean);

export const firstNames = {
  fr: list(`
    Adèle Adrien Agathe Agnès Alain Albane Alexandre Alexis Alice Aline Alix Amandine Ambre Amélie Anaïs André Ange Angèle Anne
    Annie Anouk Antoine Antonin Apolline Arnaud Arthur Astrid Aude Audrey Augustin Aurélie Aurélien Aurore Axel Baptiste Basile Bastien
    Béatrice Benjamin Benoît Bérénice Bernard Bertrand Blaise Blanche Boris Brice Brigitte Bruno Camille Capucine Carole Caroline
    Cassandre Catherine Cécile Cédric Céleste Céline Charles Charlotte Chloé Christelle Christian Christine Christophe Claire Clara
    Claude Clémence Clément Clotilde Colette Coline Constance Corentin Corinne Cyprien Cyril Damien Daniel Danielle David Delphine Denis
    Diane Didier Dominique Dorothée Edgar Édith Edmond Édouard Éléonore Éliane Élie Élisa Élise Éloi Éloïse Elsa Émeline Émile Émilie
    Emma Emmanuel Éric Ernest Estelle Esther Étienne Eugène Eugénie Eva Évelyne Fabien Fabrice Fanny Faustine Félix Fernand Flavie Flore
    Florence Florent Florian France Francis Franck François Françoise Frédéric Gabriel Gabrielle Gaël Gaëlle Gaspard Gaston Gautier
    Geneviève Geoffroy Georges Gérald Gérard Germain Ghislaine Gilbert Gilles Gisèle Grégoire Grégory Guillaume Gustave Guy Hadrien Hélène
    Héloïse Henri Hervé Honorine Hortense Hubert Hugo Ingrid Irène Iris Isabelle Jacqueline Jacques Jade Jean Jeanne Jérémie Jérôme
    Joël Joseph Joséphine Josiane Juliane Julie Julien Juliette Justine Karine Laetitia Laure Laurence Laurent Léa Léo Léon Léonie Lilian
    Lise Loïc Lou Louis Louise Luc Lucas Lucie Lucien Ludivine Ludovic Madeleine Maël Maëlle Manon Marc Marceau Marcel Margaux Marguerite
    Marianne Marie Marine Marion Marius Martine Martin Mathias Mathilde Matthieu Maud Maurice Maxime Mélanie Mélina Michel Michèle Mireille
    Monique Morgane Muriel Myriam Nadège Nadine Natacha Nathalie Nathan Nicolas Nicole Nina Noé Noémie Octave Odette Odile Olivia Olivier
    Océane Oscar Pascal Pascale Patrice Patricia Patrick Paul Pauline Perrine Philippe Philomène Pierre Prune Quentin Rachel Raphaël
    Raymond Rébecca Régine Régis Rémi Renaud René Richard Robin Rodolphe Roland Romain Romane Rose Roxane Sabine Sacha Salomé Samuel Sandrine
    Sarah Sébastien Ségolène Serge Simon Simone Solène Sophie Stanislas Stéphane Stéphanie Suzanne Sylvain Sylvie Tanguy Théo Théodore Thérèse
    Thibault Thierry Thomas Timothée Tristan Ulysse Valentin Valentine Valérie Vanessa Véronique Victoire Victor Vincent Violette Virginie
    Viviane Xavier Yann Yannick Yves Yvette Zacharie Zélie Zoé`),
  en: list(`
    Aaron Abigail Adam Adrian Agnes Alan Albert Alec Alexandra Alfred Alice Alison Amanda Amber Amy Andrea Andrew Angela Ann Anna Anthony
    April Archie Arnold Arthur Ashley Audrey Austin Barbara Barry Beatrice Becky Benjamin Bernard Beth Betty Beverly Blake Bonnie Bradley
    Brandon Brenda Brian Bridget Bruce Bryan Caleb Calvin Cameron Carl Carla Carol Caroline Catherine Cecil Charles Charlotte Chester
    Chloe Christina Christopher Claire Clara Clarence Clifford Colin Connor Corey Craig Crystal Curtis Cynthia Daisy Dale Daniel Danielle
    Darren David Dawn Dean Deborah Denise Dennis Derek Diana Diane Donald Donna Doris Dorothy Douglas Duncan Dustin Dylan Earl Edgar Edith
    Edmund Edna Edward Edwin Eileen Elaine Eleanor Elizabeth Ella Ellen Elliot Elsie Emily Emma Eric Erica Erin Ernest Esther Ethan Ethel
    Eugene Eva Evan Evelyn Faith Felicity Fiona Florence Frances Francis Frank Franklin Fred Gareth Garrett Gary Gavin Gemma Geoffrey
    George Georgia Gerald Gilbert Gillian Gina Gladys Glenn Gloria Gordon Grace Graham Grant Gregory Guy Gwendolyn Hannah Harold Harriet Harry
    Harvey Hazel Heather Hector Heidi Helen Henry Herbert Holly Hope Howard Hugh Ian Ida Irene Iris Isaac Isabel Ivan Ivy Jack Jacob
    Jade James Jamie Jane Janet Janice Jared Jason Jay Jean Jeffrey Jennifer Jeremy Jerome Jessica Jill Joan Joanna Joel John Jonathan
    Jordan Joseph Joshua Joy Joyce Judith Julia Julian June Justin Karen Karl Kate Kathleen Kathryn Katie Keith Kelly Kenneth Kerry Kevin
    Kimberly Kirk Kristen Kyle Lance Lara Larry Laura Lauren Lawrence Leah Lee Leigh Leo Leonard Leroy Leslie Lester Lewis Lily Linda
    Lisa Lloyd Logan Lois Lorraine Louis Louise Lucas Lucy Luke Lydia Lynn Mabel Malcolm Marcus Margaret Marian Marilyn Marion Marjorie
    Mark Marlene Marshall Martha Martin Marvin Mary Mason Matthew Maureen Maurice Max Maxine Megan Melanie Melissa Melvin Meredith
    Michael Michelle Mildred Miles Milton Miranda Miriam Mitchell Molly Monica Morgan Morris Muriel Myra Nancy Naomi Natalie Nathan Neil
    Nelson Nicholas Nicole Nigel Nina Noah Nora Norma Norman Olive Oliver Olivia Oscar Owen Pamela Patricia Patrick Paul Paula Pauline
    Peggy Penelope Percy Perry Peter Philip Phoebe Phyllis Rachel Ralph Randall Raymond Rebecca Reginald Rex Rhonda Richard Rita Robert
    Robin Roderick Rodney Roger Roland Ronald Rory Rosa Rose Rosemary Ross Roy Ruby Rupert Russell Ruth Ryan Sabrina Sally Samantha Samuel
    Sandra Sarah Scott Sean Seth Shane Shannon Sharon Shaun Sheila Shelley Shirley Sidney Simon Sophie Spencer Stacey Stanley Stella Stephanie
    Stephen Stuart Susan Suzanne Sylvia Tamara Tara Teresa Terry Theodore Theresa Thomas Timothy Tina Todd Tracy Travis Trevor Tyler Valerie
    Vanessa Vera Vernon Veronica Victor Victoria Vincent Viola Violet Virginia Vivian Wallace Walter Wanda Warren Wayne Wendy Wesley Whitney
    Wilfred William Winifred Yvonne Zachary Zoe`),
} as const;
