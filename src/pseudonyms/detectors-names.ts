/**
 * Names of more origins than those that pseudonyms are drawn from: so that a column of them shows, never that one name is
 * proven. Lower case, without accents.
 */
const list = (text: string): readonly string[] => text.trim().split(/\s+/);

export const moreGivenNames = list(`
  abdel abdellah abderrahmane abdou abdoulaye abdullah abigail abubakar adama adebayo adel adem adil aditi adrian adriana
  agnieszka ahmed ahmet aicha aida aissa aissata aissatou akash akin ala alejandro aleksander aleksandra alessandro alessia ali
  alioune alma amadou amar amara amina amine aminata amir amit amparo anais anand anastasia andreas andreia andrzej angel
  angelina anh anil anita anjali ankit antonia antonio anton aram aranka ariane armen armando arjun arthur arun asha ashok asif asmaa
  astrid august awa aya ayaan ayse aysegul ayoub aziz baba babacar bakary bao barbro bartosz beata beatriz bengt bianca bilal
  bintou birgit bjorn blazej bogdan boris boubacar brahim bruna burak caio can carmen catarina celia cem chiara chidi chinedu chiamaka
  chloe cheikh cristina cristian czeslaw dalia dan daniela danuta daria dariusz deepa deepak diego dimitri dimitrios dina diogo djamila dorota
  driss duarte duc duygu edgar edit eduardo ekaterina elena eleni elias elif elin elizaveta elsa emil emine emmanuella emre enrique erik
  esra esteban ester eugenia ewa ezgi fabio fabiola fadi farah farid farida fatih fatma fatou fatoumata federico felicia fernanda
  fernando filip filipa filippo fiona francesca francesco francisca francisco fredrik fulya gabriela gamze ganna gerd ghislaine gintaras
  giorgio giorgos giovanna giovanni giuseppe gizem goran grazyna greta gulsen gunnar guillermo gustavo gwenael gwenaelle
  habib hadrien hakan hakim hala halima hamid hamza hana hans hao haruki hatice haykel heidi heike hicham hoa houda hussein ibrahim
  ibrahima ibtissem idris idrissa ifeanyi ignacio igor iman imane imran ines ingrid ioana irina isabel isabella ismael ismail ivana iwona
  jakub jamal jamila jana janusz jaroslaw javier jelena jens jerzy jesus jin joao joana joanna joaquin johan jonas jorge josefa
  jozef julian juliana jun jurgen justyna kacper kamal kamil kamila kamran karol karolina katarina katarzyna kateryna katrin kavita
  kayode kenan kenza kerem khaled khalid kiran klara klaus konrad konstantin krzysztof kumar kwame lakshmi lamia lan larissa lars latifa
  laszlo layla leonardo leonor leszek leyla lien linh lotte lucia luciana ludmila luigi luis luisa lukas lukasz lwazi maciej magda
  magdalena mahmoud mai malgorzata malika mamadou manish manoj manuela marcelo marcin marco marcos marek margarida margarita mariana
  mariano mariusz marko marta marwa marzena massimo mateus mateusz mathias matilde matteo mbaye mehmet mei melek meltem meriem merve michal
  miguel mihai mikael mikhail milan milena min minh miriam mirjam miroslaw mohamadou mohamed mohammad mohan monika mouna mourad moussa murat
  mustafa mustapha nabil nadege nadia nadir nadira naima najat nasser natalia natasha nawal neha nesrine nga ngoc ngozi nguyet nhung
  nikola nikolai nikos nilufer nisha noor nour nuno nuria nurten oana obinna olena olga olumide omer onur osman oumar ousmane ozan ozlem
  pablo paolo patricio patrycja paulo pavel pawel pedro petar petra phuong piotr pooja prakash prem priya przemyslaw quang
  rabah radoslaw rafael rafal raffaele rahul raj rajesh ralf ram ramazan ramesh rana rania raquel rashid ravi reda reza ricardo rita
  riyad roberta roberto rodrigo rohan rokia roman rui rustam ryszard saad sabri sadio safa said saida saira salah salem salim salima salma
  salvatore sami samira sana sandeep sanjay santiago saskia sean seda selin selma selim senthil serena serena sergei sergio serkan
  seydou shanti shreya siham silvia simona sina sinead siobhan slawomir sofiane soledad son soraya souad soufiane soumaya souleymane stanislaw
  stefania stefano suha sultan sunil suresh svetlana sven swati sylwia szymon tadeusz taha tahar tamara tariq tarik tatiana teodora tereza
  thanh thandiwe thao thi thiago thuy tiago tidiane tomas tomasz tran trang tuan tuncay tunde ugo ugur ulrich ulrike uma umar urszula
  vanda vera vijay vikram viktor viktoria vincenzo vinh vitor vladimir wafa wahid walid wanjiru wassim wei wen wiktoria wojciech wolfgang
  xuan yacine yamina yan yao yasemin yasin yasmin yassine yaw yildiz youcef younes youssef youssouf yuki yulia yusuf zahra zainab zbigniew
  zeynep zhang ziad zineddine zofia zoltan zuzanna herve nolwenn maelle erwan ronan tanguy soizic enora malo gwendal goulven anahit hayk
  karine gayane narek vahan siranouche vartan faouzia nassim lounes kahina hocine djibril fode kadiatou mariama demba samba moustapha`);

export const moreFamilyNames = list(`
  abdallah abdi abdou abgrall abubakar acar adebayo adeyemi afonso aguilar ahmad ahmadi ahmed ait akin aksoy alami alaoui ali almeida alonso
  alvarez alves amar amara anand andersen andersson aoun arslan asante aslan avci aydin azevedo aziz ba bah bakker balan balde barbosa barry
  bauer bayram becker bekele belhadj belkacem ben benali benitez bennani berg bhatt bianchi bielecki bilgin blanco blazquez boateng borges
  bos bouaziz bouchard boukhari boumediene bouzid bozkurt braga branco brito bruno bui bulut caglar camara campos can cardoso carvalho castillo
  castro celik cetin chan chaudhary chen cherif chettih chopra choi chukwu cisse cohen coelho colombo conde conte conti correia costa coulibaly cruz
  dabrowski dao dang das de-jong de-vries demir deng desai devries dhillon dia diaby diakite diallo dias diarra dieng diop diouf djaballah
  do doan dogan dominguez dos-santos doumbia drame duarte dubey duman duong durmus eke el-amrani el-idrissi erdem erdogan eriksson esposito
  estevez fall faye fekete fernandes ferrari ferreira fiore fischer fofana fonseca francis freitas fuchs gallo garg gashi ghosh gill gomes goncalves
  gonzales gorecki grabowski greco guerra guerrero guerreiro gueye guler gunes gupta gutierrez guzman haddad hadj hakobyan hamdi hamidi hansen
  hassan hassani hernandez ho hoang hoffmann horvat horvath hossain hussain hussein huynh ibrahim idrissi ilhan iliev islam ito ivanov iyer jaber
  jacobs jain jankowski jansen jansson jha jimenez johansson juarez kaba kaczmarek kaminski kang kante kapoor kaplan kara karimi karlsson kaur
  kaya keita kerr khalil khalifa khan kharrat kiani kilic kim klein kobayashi koc koch kocak kone konate korkmaz kovac kovacs kowalczyk kowalski
  kozlowski kraus krawczyk kruger kruk kumar kurt lahlou lai lam lang larsen larsson le lee leite li liang lima lin liu lombardi lopes lozano lu
  lucas luong lupu ly ma machado magalhaes mahamat mahmoud malik mancini mansour mansouri maradona marino marques marquez martinho martins mazur
  mbaye mehta meijer mehmeti mejia mendes mendez mendoza mendy meyer meziane mishra mohamed mohamud molina monteiro montoya moraes morales moreira moreno
  moretti moura moussa mukherjee muller mulder munoz musa nair nakamura ndiaye neves ngo nguema nielsen nikolic nowak nowicki nunes nunez nwosu
  ochoa odhiambo ogunleye ojo okafor okeke okonkwo oliveira olsen olsson omar ortega ortiz osei ospina ouattara ouedraogo ozdemir ozkan ozturk
  pal pandey papadopoulos park patel pavlov pavlovic pawlowski pedersen pereira perera petersen petrov petrovic pham phan pinto piotrowski
  polat popa popescu popov prasad quach quinn quintero rahman raj ramirez ramos rana rao rashid reddy reis reyes rezaei ribeiro ricci rivera rocha
  rojas romano romero rossi roy ruiz russo saidi sahin saleh salazar sall salvador samaras sanogo santana santiago santos sarkar sarr sato savas
  schafer schmidt schroder schulz schwarz sen serrano shah shaikh sharma shehu silva simsek singh singhal sissoko sla soares sousa souza
  sow stan stoica suarez suzuki svensson sy sylla szabo szymanski tahiri takahashi tamba tan tanaka tang tavares teixeira tekin tesfaye thapa
  to toth touati toure tran traore tremblay trinh truong turan turay tunc ueda unal usman uzun van-den-berg van-dijk varga vargas vasquez vaz vega
  velasco verma vieira vo vogel vu wagner wang weber wisniewski wojcik wolf wong wozniak wu xu yadav yalcin yamamoto yang yao yavuz yildirim yildiz yilmaz
  yusuf zahiri zaidi zapata zawadzki zeidan zhang zhao zhou zhu zielinski ziegler zimmermann zouari macnamara o-brien o-sullivan o-connor
  o-neill macdonald mckenzie mccarthy fitzgerald byrne doyle gallagher lynch kavanagh le-goff le-gall le-roux kerbrat quere prigent cadiou
  guivarch riou corre lagadec petrosyan sargsyan grigoryan hovhannisyan karapetian mihoubi hamlaoui saadi bensaid msaidie combo mze`);
