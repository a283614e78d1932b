use super::*;
use crate::app::password::{PasswordFault, Plain};
use crate::config::Password as Policy;

/// Who registers, and where.
const ABOUT: [&str; 5] = [
    "ada.lovelace@example.com",
    "ada.lovelace",
    "Ada Lovelace",
    "bp-auth",
    "login.acme-tools.test",
];

/// Passwords as they appear again and again in published leaks and in the first guesses of those who
/// try passwords: words, names, seasons, products, walks over the keyboard, and what this server, its host
/// and the person are called, each as people change it to please a rule.
const LEAKED: &str = r##"
    12345678 123456789 1234567890 password password1 Password1 Password1! Password123 Password123!
    P@ssw0rd P@ssw0rd1 P@ssw0rd! P@ssw0rd123 P@$$w0rd Pa$$w0rd Passw0rd Passw0rd! passw0rd1
    Passw0rd123! Pa55w0rd! Password2024 Password2024! Password2025! Password@123 Password@2024
    Password#1 password! qwerty123 Qwerty123! Qwerty@123 qwertyuiop Qwertyuiop1! qwerty12345 1q2w3e4r
    1q2w3e4r5t 1q2w3e4r5t6y 1qaz2wsx 1qaz2wsx3edc 1qaz@WSX !QAZ2wsx 1qazXSW@ zaq12wsx ZAQ!2wsx
    qazwsx123 qazwsxedc asdfghjkl Asdfghjkl1! asdf1234 Asdf@1234 zxcvbnm1 zxcvbnm123 Summer2024!
    Summer2023 Summer2024 Summer@2024 Summer24! Winter2024! Winter2023! Winter@123 Spring2024!
    Autumn2024! Fall2024! $ummer2024! January2024! February2024 March2024! October2023! December2024!
    Monday123! Friday2024! Sommer2024! Welcome1 Welcome1! Welcome123 Welcome123! Welcome@123
    Welcome2024! W3lcome! Admin@123 Admin123! admin1234 Admin@1234 Admin2024! administrator1
    Administrator1! Root@1234 toor1234 Letmein1! Letmein123! letmein1 L3tmein! LetMeIn2024 Changeme1!
    Changeme123! ChangeMe2024! changeit1 Test1234 Test1234! Test@123 Test@1234 testtest1 TestTest123!
    Abc12345 Abc@1234 Abcd1234 Abcd1234! Abcd@1234 abcdefg1 Abcdef123! Aa123456 Aa123456! Aa@123456
    a1b2c3d4 a1b2c3d4e5 iloveyou iloveyou1 Iloveyou1! Iloveyou2! iloveyou2024 sunshine1 Sunshine1!
    princess1 Princess123! football1 Football1! F00tball! baseball1 monkey123 M0nkey123! dragon123
    Dragon2024! master123 Master@123 shadow123 superman1 Superman123! batman123 Batman2024! michael1
    Michael123! jessica1 Jessica2024! charlie1 Charlie123! jennifer1 Daniel2024! Thomas1985 ashley123
    Ashley1990! trustno1 Trustno1! starwars1 Starwars123! computer1 Computer123! internet1
    Internet2024 google123 Facebook1! Linkedin1 Samsung123 Pokemon123! Liverpool1 Liverpool2024!
    Chelsea2023! Arsenal123! Barcelona1! Manchester1 London2024! America1! Company123! Company2024!
    Secret123! secret2024 S3cret123! Login123! Hello123! Hello1234 Hello@123 HelloWorld1!
    helloworld123 Killer123 Chocolate1! Freedom1! Cookie123! Ginger123! Summer123! Flower123
    Hockey123! Ranger123! Maverick1 Mustang1! Mercedes1! Ferrari1! Corvette1 Harley123! Yankees1!
    Cowboys1! Steelers1 bpauth2024 Bp-Auth2024! BpAuth123! bp-auth1 auth12345! Example2024!
    Example123! Lovelace1815! ada.lovelace1 Lovelace123! 111111111 11111111a 00000000 987654321
    87654321 66666666 1234qwer Qwer1234! qwer1234 q1w2e3r4 Q1w2e3r4! 11223344 12341234 1234567a
    123456aA! 123qweasd 123qwe!@# !@#$%^&* 1qw23er4 azerty123 Azerty123! Qwertz123! passwort1
    Passwort123! Hallo123! Schatz123 Bonjour123! motdepasse1 Contraseña1 contrasena1 senha1234
    Mustermann1 Schalke04! P4ssw0rd! p455w0rd l0veyou1 1loveyou! Ch4ngeMe! 4dm1n1strator Adm1n123!
    2024Summer! !Summer2024 123Password 2024password 007bond007 james007 Jordan23! Michael23
    Ronaldo7! Messi10!! Nirvana1! Metallica1 Blink182! Pa$$word1 Gu3st1234 Guest123! User1234!
    Default1! Temp1234! Temp@123 Service1! Support123! Manager1! Office365! Windows10! Microsoft1!
    Oracle123! Cisco123! Cisco@123 Vmware1! VMware123! Sunshine2020 Covid2020! Corona2020! Covid-19!
    acmetools1 AcmeTools2024! Acme-Tools1! acme2024! Login2024! Adalovelace1 Ada.Lovelace1815
"##;

/// What is hard to guess: passphrases, what password managers and `openssl rand` make, other scripts.
const GOOD: &str = r##"
    correct horse battery staple
    correct-horse-battery-staple
    CorrectHorseBatteryStaple
    timid walrus orbit lantern
    plunging-velvet-otter-mosaic
    crumb acid joyfully spruce
    unlit.marbling.kettle.frosty
    swerve_dagger_polka_hubcap
    Ocean7 Granite Trombone Fig
    gravel mango bicycle thunder
    lizard-cactus-pillow-engine-42
    Outburst-Sandpit-Jukebox-Relay
    zesty eggplant moves quietly
    purple turtles eat my homework
    seven angry geese stole a boat
    my cat prefers jazz on tuesdays
    The rain in Lisbon smells of tar
    nobody expects a quiet Thursday at all
    I lost my keys near the old windmill
    three teaspoons of regret, please
    kX9#vQ2!mZ7@
    kX9#vQ2!
    Tq4$wLp9
    b7R!xM2z
    zR8-vNq3-Lw5T
    J4mQz7Wp2X
    f8Kq2LzR
    hG5tYw8nQ3
    u2Vx9Kd4Mz7B
    w9F3rT6yXq
    Bz7pQ4kN
    x7JwQm2VtL
    9vKpX2mWqT
    6RtzQ8Lm
    nV4kW8xJ
    9dG$kVb2Lq
    Vx@8mQk4!Zp
    P7!kz#Qw9&Lm
    cT$9vKw!2zQp
    mJ4&nXq8#Rb1
    !9kZq$w4Lv@x
    q8Z#m4Vk&x2W
    E7hK-p2Vd-X9mQ
    wqzkfhvmxb
    tzvqkmwrjx
    xkqvbtzjwm
    hqzvkxwjpd
    gkvzqmxrwt
    H3s9-Kq7z-W2mV
    aP9-xV3-kQ7-zL2
    jokzo4-gubnuD-wapqiz
    dufTyx-9wukhe-vygbaj
    mykza3-vaRhyf-kubdox
    qezhi7-Xuvpom-tarkyw
    Zibxo4-nuqvet-fyhgaw
    vuRzyk-6hamdo-pexwiq
    gaxjYv-corfi2-zuhqen
    4f9a1c7e2b8d6035
    c0ffee5ca1ab1ed00d42
    e3b0c44298fc1c149afbf4c8996fb924
    550e8400-e29b-41d4-a716-446655440000
    9b1deb4d3b7d4bad9bdd2b0d7b3dcb6d
    K7gNU3sdo+OL0wNhqoVWhr3g6s1xYv72ol/pe/Unols=
    dGhpc2lzbm90YXNlY3JldA
    J2k7Pz4vXq9tRm6wLc3b
    2VqX7kTz9Wm4
    M8zKv4Qw-7TxR2
    a8#Vk!q2Zm@x7Wp$
    ~7h!Kq;2vZ^mX
    L}w8q?Vz3<kP
    >4Tq:x9|Wm&zK
    (8vK)q[2Zm]xW
    Zj4%Kt9^Vq2*
    %8Lk&2Vz(9Qm
    пароль слона в тумане
    зелёный чайник поёт громко
    Медведь-скрипка-окно-47
    ζεστός καφές στο λιμάνι
    κόκκινη ομπρέλα χορεύει
    青い猫が空を飛ぶ夜
    月明かりの古い図書館
    桜の下で眠る三匹の狐
    초록고양이가노래한다
    바다위를걷는노란우산
    我的猫喜欢在雨天唱歌
    紫色大象吃了七个西瓜
    قطة زرقاء تحب القهوة
    الجمل الأخضر يشرب القهوة
    חתול סגול שר בגשם
    नीली बिल्ली चाय पीती है
    แมวสีฟ้าชอบกินมะม่วง
    màu xanh con mèo nhảy múa
    Über sieben Brücken wandern Igel
    zwölf Gänse tanzen Polka
    fünf schräge Katzen gähnen
    le chat bleu mange du riz
    quatre baleines boivent du thé
    el gato verde baila salsa
    nueve tortugas leen novelas
    il gatto viola suona il flauto
    żółta gęś śpiewa o świcie
    kırmızı şemsiye dans ediyor
    😀🐢🎺🌋🥨🚲🪁🧦
    🦊 likes 🧀 at noon
    battery7staple%horse
    Walrus!Tuba&Mango
    otter3Piano?cloud
    TurnipVelocity88Harp
    marble~canoe~tundra
    Lighthouse#Pickle#9
    trombone5+fjord=jam
    Q.E.D. said the octopus
    My1stBikeWasRed&Rusty
    Ihad3dogsb4I-was-ten
    W3went2Rome&lostR-bags
    mnbRT67!pLq
    sunlit4Kumquat!dusk
    blue3Fridge.hums
    Tgb5hUz8.kW
    7YhnQz!4Rfw
"##;

fn chosen(text: &str) -> Result<Plain, PasswordFault> {
    Plain::chosen(text, &Policy::default(), &ABOUT)
}

#[test]
fn no_usual_leaked_password_is_taken() {
    let all: Vec<&str> = LEAKED.split_whitespace().collect();
    assert!(all.len() >= 280, "{}", all.len());
    let taken: Vec<_> = all.iter().filter(|text| chosen(text).is_ok()).collect();
    assert!(taken.is_empty(), "{taken:?}");
}

#[test]
fn no_good_password_is_refused() {
    let all: Vec<&str> = GOOD
        .lines()
        .map(str::trim)
        .filter(|text| !text.is_empty())
        .collect();
    assert!(all.len() >= 110, "{}", all.len());
    let refused: Vec<_> = all.iter().filter(|text| chosen(text).is_err()).collect();
    assert!(refused.is_empty(), "{refused:?}");
}

#[test]
fn a_word_of_the_context_is_common_there_only() {
    let context = context_words(ABOUT);
    for text in ["acmetools77!", "Acme-Tools.77", "8ACM3t00ls!"] {
        assert!(is_common(text, &context), "{text}");
        assert!(!is_common(text, &[]), "{text}");
    }
}

#[test]
fn more_than_a_few_digits_and_signs_are_no_stem_with_something_beside_it() {
    assert!(is_common("summer20241231", &[]));
    assert!(!is_common("summer4071936582", &[]));
    assert!(!is_common("summerwalrus", &[]));
    assert!(!is_common(&format!("summer{}", "ﷺ".repeat(100)), &[]));
}

#[test]
fn the_list_is_sorted_and_as_long_as_its_head_says() {
    assert!(ENTRIES.is_sorted_by(|a, b| a < b));
    let head = LIST.split(|&byte| byte == b'\n').next().unwrap();
    let head = std::str::from_utf8(head).unwrap();
    assert!(
        head.contains(&format!(" {} fingerprints ", ENTRIES.len())),
        "{head}"
    );
}

/// Random texts of letters, digits and signs: what a password manager makes. Few of the shortest are
/// taken for a word by chance, and hardly any with twelve characters.
#[test]
fn random_passwords_are_hardly_ever_refused() {
    let alphabet: Vec<char> = ('!'..='~').collect();
    let mut state = 7u64;
    let mut draw = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        alphabet[usize::try_from(state >> 33).unwrap() % alphabet.len()]
    };
    for (length, most) in [(8, 14), (12, 2)] {
        let texts = (0..2000).map(|_| (0..length).map(|_| draw()).collect::<String>());
        let refused = texts.filter(|text| is_common(text, &[])).count();
        assert!(
            refused <= most,
            "{refused} of 2000 with {length} characters"
        );
    }
}
