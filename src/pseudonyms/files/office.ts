import { type ZipEntry, zipArchive } from './zip.ts';

/** Office documents of the parts that must be there, with one line of text. The text is ASCII without `<`, `>` and `&`. */

const declaration = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n';
const relationships = 'http://schemas.openxmlformats.org/package/2006/relationships';
const ofDocument = 'http://schemas.openxmlformats.org/officeDocument/2006/relationships';
const contentTypes = 'http://schemas.openxmlformats.org/package/2006/content-types';
const openXml = 'application/vnd.openxmlformats-officedocument';

const part = (name: string, xml: string): ZipEntry => ({ name, bytes: Buffer.from(declaration + xml) });

/** `[Content_Types].xml`: the type of each part, the family's name left out. */
function types(parts: Readonly<Record<string, string>>): ZipEntry {
  const overrides = Object.entries(parts)
    .map(([name, type]) => `<Override PartName="/${name}" ContentType="${openXml}.${type}+xml"/>`)
    .join('');
  const defaults =
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>' +
    '<Default Extension="xml" ContentType="application/xml"/>';
  return part('[Content_Types].xml', `<Types xmlns="${contentTypes}">${defaults}${overrides}</Types>`);
}

/** The relations of one part: `rId1`, `rId2`, … in order. */
function relations(name: string, targets: readonly (readonly [type: string, target: string])[]): ZipEntry {
  const all = targets.map(
    ([type, target], i) => `<Relationship Id="rId${i + 1}" Type="${ofDocument}/${type}" Target="${target}"/>`,
  );
  return part(name, `<Relationships xmlns="${relationships}">${all.join('')}</Relationships>`);
}

export function docx(text: string): Buffer {
  const main = 'http://schemas.openxmlformats.org/wordprocessingml/2006/main';
  return zipArchive([
    types({ 'word/document.xml': 'wordprocessingml.document.main' }),
    relations('_rels/.rels', [['officeDocument', 'word/document.xml']]),
    part(
      'word/document.xml',
      `<w:document xmlns:w="${main}"><w:body><w:p><w:r><w:t>${text}</w:t></w:r></w:p></w:body></w:document>`,
    ),
  ]);
}

export function xlsx(text: string): Buffer {
  const main = 'http://schemas.openxmlformats.org/spreadsheetml/2006/main';
  return zipArchive([
    types({ 'xl/workbook.xml': 'spreadsheetml.sheet.main', 'xl/worksheets/sheet1.xml': 'spreadsheetml.worksheet' }),
    relations('_rels/.rels', [['officeDocument', 'xl/workbook.xml']]),
    part(
      'xl/workbook.xml',
      `<workbook xmlns="${main}" xmlns:r="${ofDocument}"><sheets><sheet name="Placeholder" sheetId="1" r:id="rId1"/></sheets></workbook>`,
    ),
    relations('xl/_rels/workbook.xml.rels', [['worksheet', 'worksheets/sheet1.xml']]),
    part(
      'xl/worksheets/sheet1.xml',
      `<worksheet xmlns="${main}"><sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>${text}</t></is></c></row></sheetData></worksheet>`,
    ),
  ]);
}

const drawing = 'http://schemas.openxmlformats.org/drawingml/2006/main';

/** The tree of shapes that every kind of slide has. */
function shapes(inside: string): string {
  const group =
    '<p:nvGrpSpPr><p:cNvPr id="1" name=""/><p:cNvGrpSpPr/><p:nvPr/></p:nvGrpSpPr>' +
    '<p:grpSpPr><a:xfrm><a:off x="0" y="0"/><a:ext cx="0" cy="0"/><a:chOff x="0" y="0"/><a:chExt cx="0" cy="0"/></a:xfrm></p:grpSpPr>';
  return `<p:cSld><p:spTree>${group}${inside}</p:spTree></p:cSld>`;
}

/** Two colours, one font, and three of each way to fill, draw and light, which are the least that a theme may have. */
function theme(): string {
  const dark = '<a:srgbClr val="000000"/>';
  const light = '<a:srgbClr val="FFFFFF"/>';
  const named = ['dk1', 'lt1', 'dk2', 'lt2', 'accent1', 'accent2', 'accent3', 'accent4', 'accent5', 'accent6'];
  const colours = [...named, 'hlink', 'folHlink'].map(
    (name) => `<a:${name}>${name.startsWith('lt') ? light : dark}</a:${name}>`,
  );
  const font = '<a:latin typeface="Arial"/><a:ea typeface=""/><a:cs typeface=""/>';
  const fill = '<a:solidFill><a:schemeClr val="phClr"/></a:solidFill>';
  const three = (xml: string) => xml.repeat(3);
  return (
    `<a:theme xmlns:a="${drawing}" name="Plain"><a:themeElements>` +
    `<a:clrScheme name="Plain">${colours.join('')}</a:clrScheme>` +
    `<a:fontScheme name="Plain"><a:majorFont>${font}</a:majorFont><a:minorFont>${font}</a:minorFont></a:fontScheme>` +
    `<a:fmtScheme name="Plain"><a:fillStyleLst>${three(fill)}</a:fillStyleLst>` +
    `<a:lnStyleLst>${three(`<a:ln w="9525">${fill}</a:ln>`)}</a:lnStyleLst>` +
    `<a:effectStyleLst>${three('<a:effectStyle><a:effectLst/></a:effectStyle>')}</a:effectStyleLst>` +
    `<a:bgFillStyleLst>${three(fill)}</a:bgFillStyleLst></a:fmtScheme></a:themeElements></a:theme>`
  );
}

export function pptx(text: string): Buffer {
  const main = 'http://schemas.openxmlformats.org/presentationml/2006/main';
  const spaces = `xmlns:p="${main}" xmlns:a="${drawing}" xmlns:r="${ofDocument}"`;
  const [master, layout, slide] = [
    'ppt/slideMasters/slideMaster1.xml',
    'ppt/slideLayouts/slideLayout1.xml',
    'ppt/slides/slide1.xml',
  ];
  const map =
    '<p:clrMap bg1="lt1" tx1="dk1" bg2="lt2" tx2="dk2" accent1="accent1" accent2="accent2" accent3="accent3" accent4="accent4" accent5="accent5" accent6="accent6" hlink="hlink" folHlink="folHlink"/>';
  const box =
    '<p:sp><p:nvSpPr><p:cNvPr id="2" name="Text"/><p:cNvSpPr txBox="1"/><p:nvPr/></p:nvSpPr>' +
    '<p:spPr><a:xfrm><a:off x="914400" y="914400"/><a:ext cx="7315200" cy="914400"/></a:xfrm><a:prstGeom prst="rect"><a:avLst/></a:prstGeom></p:spPr>' +
    `<p:txBody><a:bodyPr/><a:lstStyle/><a:p><a:r><a:rPr lang="en"/><a:t>${text}</a:t></a:r></a:p></p:txBody></p:sp>`;
  return zipArchive([
    types({
      'ppt/presentation.xml': 'presentationml.presentation.main',
      [master]: 'presentationml.slideMaster',
      [layout]: 'presentationml.slideLayout',
      [slide]: 'presentationml.slide',
      'ppt/theme/theme1.xml': 'theme',
    }),
    relations('_rels/.rels', [['officeDocument', 'ppt/presentation.xml']]),
    part(
      'ppt/presentation.xml',
      `<p:presentation ${spaces}><p:sldMasterIdLst><p:sldMasterId id="2147483648" r:id="rId1"/></p:sldMasterIdLst><p:sldIdLst><p:sldId id="256" r:id="rId2"/></p:sldIdLst><p:sldSz cx="9144000" cy="6858000"/><p:notesSz cx="6858000" cy="9144000"/></p:presentation>`,
    ),
    relations('ppt/_rels/presentation.xml.rels', [
      ['slideMaster', 'slideMasters/slideMaster1.xml'],
      ['slide', 'slides/slide1.xml'],
      ['theme', 'theme/theme1.xml'],
    ]),
    part(
      master,
      `<p:sldMaster ${spaces}>${shapes('')}${map}<p:sldLayoutIdLst><p:sldLayoutId id="2147483649" r:id="rId1"/></p:sldLayoutIdLst></p:sldMaster>`,
    ),
    relations('ppt/slideMasters/_rels/slideMaster1.xml.rels', [
      ['slideLayout', '../slideLayouts/slideLayout1.xml'],
      ['theme', '../theme/theme1.xml'],
    ]),
    part(
      layout,
      `<p:sldLayout ${spaces} type="blank">${shapes('')}<p:clrMapOvr><a:masterClrMapping/></p:clrMapOvr></p:sldLayout>`,
    ),
    relations('ppt/slideLayouts/_rels/slideLayout1.xml.rels', [['slideMaster', '../slideMasters/slideMaster1.xml']]),
    part(slide, `<p:sld ${spaces}>${shapes(box)}<p:clrMapOvr><a:masterClrMapping/></p:clrMapOvr></p:sld>`),
    relations('ppt/slides/_rels/slide1.xml.rels', [['slideLayout', '../slideLayouts/slideLayout1.xml']]),
    part('ppt/theme/theme1.xml', theme()),
  ]);
}

export function odt(text: string): Buffer {
  const oasis = 'urn:oasis:names:tc:opendocument:xmlns';
  const type = 'application/vnd.oasis.opendocument.text';
  return zipArchive([
    // First, and as it is: this is how the type is told without unpacking.
    { name: 'mimetype', bytes: Buffer.from(type) },
    part(
      'content.xml',
      `<office:document-content xmlns:office="${oasis}:office:1.0" xmlns:text="${oasis}:text:1.0" office:version="1.2"><office:body><office:text><text:p>${text}</text:p></office:text></office:body></office:document-content>`,
    ),
    part(
      'META-INF/manifest.xml',
      `<manifest:manifest xmlns:manifest="${oasis}:manifest:1.0" manifest:version="1.2"><manifest:file-entry manifest:full-path="/" manifest:media-type="${type}"/><manifest:file-entry manifest:full-path="content.xml" manifest:media-type="text/xml"/></manifest:manifest>`,
    ),
  ]);
}
