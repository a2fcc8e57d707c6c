//! What the samples are composed of. Characters that an editor might normalise or hide are written as escapes.

/// A part of the world: its names, its addresses, its telephone numbers.
#[derive(Debug)]
pub(super) struct Region {
    pub(super) family_names: &'static [&'static str],
    pub(super) given_names: &'static [&'static str],
    /// How the two make a name.
    pub(super) name: &'static str,
    /// Real towns; `{n}` becomes a number from 9000 to 9999.
    pub(super) addresses: &'static [&'static str],
    /// The beginning of a telephone number that is not given out.
    pub(super) phone: &'static str,
    /// How many digits follow, and how many numbers of them are used.
    pub(super) phone_digits: (usize, u64),
}

/// All regions; the first is the shop's own.
pub(super) const REGIONS: &[&Region] = &[
    &JAPAN,
    &JAPAN_KANA,
    &AMERICA,
    &BRITAIN,
    &EUROPE,
    &DECOMPOSED,
    &ARABIC,
    &HEBREW,
    &HINDI,
    &THAI,
    &KOREA,
    &CHINA,
    &CYRILLIC,
    &GREECE,
];

/// With ideographic variation sequences (葛 with U+E0100), compatibility forms and characters of four bytes in UTF-8.
const JAPAN: Region = Region {
    family_names: &[
        "佐藤",
        "鈴木",
        "髙橋",
        "田中",
        "渡邉",
        "渡邊",
        "伊藤",
        "山本",
        "中村",
        "小林",
        "葛\u{e0100}西",
        "葛城",
        "山﨑",
        "濵田",
        "𠮷田",
        "𠮟野",
        "齋藤",
        "辻\u{e0101}",
        "邊見",
        "小鳥遊",
        "東海林",
        "四月一日",
        "勅使河原",
        "林",
        "\u{fa11}山",
    ],
    given_names: &[
        "太郎",
        "さくら",
        "翔太",
        "美咲",
        "蓮",
        "陽葵",
        "大翔",
        "結衣",
        "𠮷彦",
        "あゆみ",
        "ゆき",
        "健",
        "真理子",
        "レオ",
        "紬",
        "一",
        "龍之介",
        "愛\u{3099}",
        "マリア",
        "葵",
    ],
    name: "{family} {given}",
    addresses: &[
        "〒000-0000 東京都千代田区千代田 999-{n}",
        "〒000-0000 東京都葛\u{e0100}飾区亀有 999-{n} ハイツ葛飾 0号室",
        "〒000-0000 大阪府大阪市北区梅田{n}丁目999番地",
        "〒000-0000 北海道札幌市中央区北{n}条西999丁目",
        "〒000-0000 京都府京都市上京区今出川通烏丸東入玄武町{n}-999",
        "〒000-0000 神奈川県茅ヶ崎市茅ヶ崎 999-{n}",
        "〒000-0000 福岡県福岡市博多区博多駅前{n}丁目999-0 第二コーポ𠮷田 000号",
        "〒000-0000 沖縄県那覇市おもろまち{n}丁目 999-9999",
    ],
    phone: "+81-3-0000-",
    phone_digits: (4, 10_000),
};

/// As an old host writes them: half-width kana, the voicing marks apart.
const JAPAN_KANA: Region = Region {
    family_names: &["ﾔﾏﾀﾞ", "ｻﾄｳ", "ﾀｶﾊｼ", "ﾜﾀﾅﾍﾞ", "ｺﾊﾞﾔｼ", "ｷﾞｼﾞﾏ", "ﾍﾞｯﾌﾟ"],
    given_names: &["ﾊﾅｺ", "ﾀﾛｳ", "ｼﾞﾛｳ", "ﾐｻｷ", "ｹﾝｼﾞ", "ｱﾕﾐ"],
    name: "{family} {given}",
    addresses: &["〒000-0000 ﾄｳｷｮｳﾄ ｼﾌﾞﾔｸ ｼﾞﾝｸﾞｳﾏｴ 999-{n}", "〒000-0000 ﾁﾊﾞｹﾝ ﾁﾊﾞｼ ﾁｭｳｵｳｸ {n}-999"],
    phone: "0000-00-",
    phone_digits: (4, 10_000),
};

/// 555-0100 to 555-0199 are kept for fiction.
const AMERICA: Region = Region {
    family_names: &[
        "Smith",
        "Nguyen",
        "García",
        "O'Brien",
        "Mac Donald",
        "Washington-Lee",
        "de la Cruz",
        "Okafor",
        "St. John",
    ],
    given_names: &["Mary", "James", "Ana María", "D'Angelo", "Jo", "X Æ", "Chloë", "J. R.", "Aaliyah"],
    name: "{given} {family}",
    addresses: &[
        "{n}99 Main Street, Apt. 0, Springfield, IL 00000",
        "{n}99 Rue Bourbon, New Orleans, LA 00000",
        "999 W {n}th St, New York, NY 00000",
    ],
    phone: "+1-202-555-01",
    phone_digits: (2, 100),
};

/// 020 7946 0000 to 0999 are kept for drama.
const BRITAIN: Region = Region {
    family_names: &["Jones", "Featherstonehaugh", "Ní Bhriain", "ap Rhys", "Cholmondeley", "Llywelyn", "Smith-Jones"],
    given_names: &["Siân", "Oliver", "Caoimhe", "Zoë", "Rhŷs", "Saoirse", "Al"],
    name: "{given} {family}",
    addresses: &["Flat 0, {n} Downing Street, London ZZ99 9ZZ", "{n} Heol Fawr, Llanfairpwllgwyngyll ZZ99 9ZZ"],
    phone: "+44 20 7946 0",
    phone_digits: (3, 1_000),
};

const EUROPE: Region = Region {
    family_names: &[
        "Müller",
        "Groß",
        "Lefèvre",
        "Nuñez",
        "Łukasiewicz",
        "Škvorecký",
        "Ångström",
        "Østergård",
        "van 't Hoff",
        "Þórsdóttir",
        "Şahin",
        "Kovács",
        "Ðorđević",
    ],
    given_names: &[
        "Jürgen", "Anaïs", "Łucja", "Søren", "José", "İpek", "Ištvan", "Guðrún", "Œdipe", "Zsófia", "Żaneta",
    ],
    name: "{given} {family}",
    addresses: &[
        "Hauptstraße {n}, 00000 Köln",
        "{n} bis, rue de l'Église, 00000 Saint-Étienne",
        "ul. Świętokrzyska {n} m. 999, 00-000 Łódź",
        "Calle Ñandú, {n}, 0.º Izq., 00000 A Coruña",
        "Strøget {n}, 0. tv., 0000 København",
    ],
    phone: "+49 30 00000 0",
    phone_digits: (3, 1_000),
};

/// Letters and their marks apart (NFD): not the bytes of the composed form, and must come back as they were.
const DECOMPOSED: Region = Region {
    family_names: &[
        "Mu\u{308}ller",
        "Nguye\u{302}\u{303}n",
        "Ne\u{301}meth",
        "Mun\u{303}oz",
        "A\u{30a}ngstro\u{308}m",
        "Pha\u{323}m",
    ],
    given_names: &["Jose\u{301}", "Zoe\u{308}", "Ha\u{300}", "E\u{323}\u{301}de", "Franc\u{327}oise", "I\u{307}pek"],
    name: "{given} {family}",
    addresses: &[
        "{n} Rue de la Re\u{301}publique, 00000 Orle\u{301}ans",
        "So\u{302}\u{301} {n}, Ha\u{300} No\u{323}\u{302}i 000000",
    ],
    phone: "+84-00-0000-",
    phone_digits: (4, 10_000),
};

const ARABIC: Region = Region {
    family_names: &["الخوارزمي", "بن سعود", "عبد الرحمن", "المَغرِبيّ", "حسين", "پورعلی", "چوہدری"],
    given_names: &["فاطمة", "محمد", "نور", "عائشة", "يوسف", "ژاله", "عبد الله"],
    name: "{given} {family}",
    addresses: &["شارع التحرير {n}، القاهرة 00000", "شارع الملك فهد ٩٩٩٩، مبنى {n}، الرياض 00000"],
    phone: "+966-00-000-",
    phone_digits: (4, 10_000),
};

const HEBREW: Region = Region {
    family_names: &["כהן", "לוי", "בן־גוריון", "שָׁלוֹם", "מזרחי", "צ'רניחובסקי"],
    given_names: &["יעל", "משה", "נועה", "ד\"ר אבי", "רות", "איתי"],
    name: "{given} {family}",
    addresses: &["רחוב דיזנגוף {n}, תל אביב 0000000", "רח' יפו {n} דירה 0, ירושלים 0000000"],
    phone: "+972-0-000-",
    phone_digits: (4, 10_000),
};

const HINDI: Region = Region {
    family_names: &["शर्मा", "सिंह", "श्रीवास्तव", "मिश्रा", "त्रिपाठी", "क\u{93c}ाज़ी"],
    given_names: &["प्रिया", "अर्जुन", "लक्ष्मी", "ऋषि", "ज्योति", "कृष्ण"],
    name: "{given} {family}",
    addresses: &["मकान नं. {n}, चाँदनी चौक, दिल्ली 000000", "{n}, महात्मा गांधी मार्ग, मुंबई 000000"],
    phone: "+91-00000-0",
    phone_digits: (4, 10_000),
};

const THAI: Region = Region {
    family_names: &["สุขใจ", "ศรีสุวรรณ", "วงศ์ใหญ่", "ณ อยุธยา", "ก่ำแก้ว"],
    given_names: &["สมชาย", "น้ำฝน", "ปิ่นเพชร", "กิตติ", "ณัฐ"],
    name: "{given} {family}",
    addresses: &["999/{n} ถนนสุขุมวิท แขวงคลองเตย กรุงเทพมหานคร 00000", "{n} หมู่ 99 ตำบลช้างเผือก เชียงใหม่ 00000"],
    phone: "+66-0-000-",
    phone_digits: (4, 10_000),
};

const KOREA: Region = Region {
    family_names: &["김", "이", "박", "최", "남궁", "황보", "\u{110b}\u{1172}"],
    given_names: &["민준", "서연", "지우", "하늘", "은", "빛나래솔"],
    name: "{family}{given}",
    addresses: &["서울특별시 강남구 테헤란로 {n}, 999호", "부산광역시 해운대구 우동 999-{n}"],
    phone: "+82-2-0000-",
    phone_digits: (4, 10_000),
};

/// Simplified and traditional, and a surname beyond the basic plane.
const CHINA: Region = Region {
    family_names: &["王", "李", "張", "欧阳", "司馬", "諸葛", "𡛟", "㐱"],
    given_names: &["伟", "秀英", "明", "思遠", "子涵", "𬀩", "麗華"],
    name: "{family}{given}",
    addresses: &["北京市东城区景山前街{n}号", "臺北市信義區信義路五段{n}號 0 樓", "上海市黄浦区南京东路{n}弄999号"],
    phone: "+86-000-0000-",
    phone_digits: (4, 10_000),
};

const CYRILLIC: Region = Region {
    family_names: &["Иванов-Петровский", "Щукина", "Ёлкин", "Шевченко", "Ђорђевић", "Їжакевич", "Ўразбаева"],
    given_names: &["Фёдор", "Мария", "Їван", "Љубица", "Айгүл", "Юрий"],
    name: "{family} {given}",
    addresses: &["ул. Тверская, д. {n}, кв. 0, Москва 000000", "вул. Хрещатик, {n}, м. Київ 00000"],
    phone: "+380-00-000-",
    phone_digits: (4, 10_000),
};

const GREECE: Region = Region {
    family_names: &["Παπαδόπουλος", "Οικονόμου", "Ἀριστοτέλης", "Μαΐου", "Χατζηϊωάννου"],
    given_names: &["Ελένη", "Γιώργος", "Ἑλένη", "Οδυσσέας", "Ιώ"],
    name: "{given} {family}",
    addresses: &["Οδός Ερμού {n}, 000 00 Αθήνα", "Λεωφόρος Νίκης {n}, 000 00 Θεσσαλονίκη"],
    phone: "+30-000-000-",
    phone_digits: (4, 10_000),
};

/// Names that break programs: no surname, one letter, words that mean nothing, quotes, markup, templates, hidden marks.
pub(super) const AWKWARD_NAMES: &[&str] = &[
    "O",
    "Ng",
    "Sukarno",
    "Null",
    "N/A",
    "None",
    "undefined",
    "True",
    "0",
    "-",
    "Smith, John, Jr.",
    "Anna \"Ann\" Müller",
    "\"",
    "'; DROP TABLE customers; --",
    "Robert'); --",
    "=1+1",
    "@handle",
    "<b>Bold</b> & Söhne GmbH",
    "{{ship_to_name}}",
    "symbolon",
    " leading and trailing ",
    "two\nlines",
    "tab\there",
    "back\\slash",
    "ＦＵＬＬ ＷＩＤＴＨ",
    "山田　花子",
    "たなか🌸",
    "👩‍👩‍👧‍👦 家族",
    "A\u{200b}B",
    "\u{202e}gnihtyrevE",
    "\u{feff}Bom",
    "Z\u{301}\u{302}\u{303}\u{304}\u{306}\u{307}\u{308}\u{30a}algo",
    "𝓥𝓪𝓷𝓲𝓽𝔂",
    "㈱星空商店 御中",
    "Uvuvwevwevwe Onyetenyevwe Ugwemuhwem Osas",
    "寿限無 寿限無 五劫の擦り切れ 海砂利水魚の 水行末 雲来末 風来末 食う寝る処に住む処 藪ら柑子の藪柑子 パイポ パイポ \
     パイポのシューリンガン シューリンガンのグーリンダイ グーリンダイのポンポコピーの ポンポコナーの 長久命の長助",
    "Pablo Diego José Francisco de Paula Juan Nepomuceno María de los Remedios Cipriano de la Santísima Trinidad Inventado",
];

/// Addresses that break programs: line breaks, quotes, commas, nothing that is an address.
pub(super) const AWKWARD_ADDRESSES: &[&str] = &[
    "〒000-0000\n東京都港区赤坂 999-9999\nメゾン星空 000号室",
    "c/o \"The Old, Odd House\"\r\n99999 Nowhere Lane\r\nNull Island 00000",
    "Apt \"0\", 99999 \"Quote\" Street, 'S-Gravenhage 0000 ZZ",
    "99999 Rue de l'Apostrophe, boîte 0, 0000 Liège",
    "general delivery",
    "-",
    "〒000-0000 愛知県海部郡飛島村大字飛島新田字竹之郷ヨタレ南ノ割 999-9999 \
     飛島新田字竹之郷ヨタレ南ノ割第九千九百九十九号棟 九千九百九十九階 九千九百九十九号室 星空様方 置き配不可",
];

/// Card numbers that payment networks and processors publish for tests. They pay nothing.
pub(super) const CARDS: &[&str] = &[
    "4242424242424242",
    "4111111111111111",
    "4000056655665556",
    "4222222222222",
    "5555555555554444",
    "5105105105105100",
    "2223003122003222",
    "378282246310005",
    "371449635398431",
    "6011111111111117",
    "6011000990139424",
    "3056930009020004",
    "36227206271667",
    "3566002020360505",
    "3530111333300000",
    "6200000000000005",
    "6205500000000000004",
];

/// Domains that RFC 2606 reserves.
pub(super) const DOMAINS: &[&str] =
    &["example.com", "example.net", "example.org", "mail.jp.example", "post.jp.example"];

/// What the shop sells, and for how many yen.
pub(super) const PRODUCTS: &[(&str, u64)] = &[
    ("浅煎りコーヒー豆 200g", 1_480),
    ("星座早見盤", 980),
    ("常備薬 (花粉症) 1箱", 1_980),
    ("絵本『よるのきりん』", 1_540),
    ("補聴器用電池 6個入", 1_200),
    ("離婚のための法律入門", 2_420),
    ("ｶﾒﾗ用ﾊﾞｯﾃﾘｰ", 3_980),
    ("Desk lamp, \"North Star\" (E17)", 6_800),
    ("19\" monitor arm", 9_900),
    ("Müsli ohne Rosinen, 1 kg", 1_250),
    ("Thé à la bergamote, 100 g", 1_600),
    ("Pregnancy test, 2 pcs", 1_100),
    ("한국식 김 12봉", 900),
    ("ผ้าไหมไทย 1 ม.", 7_200),
    ("قهوة عربية ٢٥٠ غ", 1_750),
    ("Самовар 3 л", 24_800),
    ("体重計", 4_400),
    ("介護用手すり", 12_300),
];

/// Where an order is on its way.
pub(super) const STATUSES: &[&str] =
    &["paid", "packed", "shipped", "delivered", "delivered", "delivered", "cancelled", "returned"];
