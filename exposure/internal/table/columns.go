package table

// What columns are called, reduced to small letters and digits. English and Chinese come first.
var columnNames = map[Type]string{
	FullName: `name fullname passengername paxname custname customername guestname travellername travelername membername holdername
		passenger cardholder cardholdername 姓名 旅客姓名 乘客姓名 乘机人 乘机人姓名 旅客 客户姓名 中文姓名 英文姓名 会员姓名 联系人`,
	Surname:   `surname lastname familyname lname namelast last paxsurname passengersurname passengerlastname 姓 姓氏 英文姓`,
	GivenName: `given givenname givennames firstname forename fname namefirst first paxfirstname passengerfirstname passengergivenname 名 英文名`,
	Birth:     `dob birth birthdate birthday dateofbirth birthdt bday dobdate paxdob passengerdob 出生日期 生日 出生年月 出生年月日`,
	DocumentNumber: `passport passportno passportnumber passportnum passportid docno docnum docnumber documentno documentnumber documentid traveldoc
		traveldocno traveldocument traveldocumentnumber pptno ppno idnumber idno certno certificateno 护照 护照号 护照号码 证件号 证件号码 旅行证件号 证件编号`,
	DocumentIssuer: `issuer issuingcountry passportcountry passportissuer passportissuingcountry docissuer docissuingcountry documentissuer
		documentissuingcountry countryofissue issuecountry doccountry 签发国 签发国家 护照签发国 发证国`,
	Nationality: `nationality citizenship nation nat nationalitycode paxnationality passengernationality countryofcitizenship 国籍 国籍代码`,
	NationalID: `idcard idcardno idcardnumber nationalid nationalidnumber identitynumber identityno citizenid residentid sfz sfzh shenfenzheng
		aadhaar aadhaarno aadhaarnumber aadhar 身份证 身份证号 身份证号码 公民身份号码 居民身份证`,
	Locator: `pnr pnrno pnrcode pnrlocator locator recordlocator recloc rloc bookingref bookingreference bookingcode bookinglocator reservationcode
		reservation confirmationcode confirmationnumber 订座编码 订座记录编号 记录编号 预订编号 预订号 pnr编码 pnr号 订座号`,
	Carrier: `carrier airline airlinecode carriercode marketingcarrier operatingcarrier 航空公司 承运人 航司`,
	Created: `created createdat createdate creationdate bookingdate bookdate datecreated bookedat bookingcreated pnrcreated 预订日期 订座日期 创建日期 创建时间 订票日期`,
	Index:   `paxindex paxno paxnumber passengerindex passengerno passengernumber paxseq seqno 旅客序号`,
	Ticket:  `ticket ticketno ticketnumber ticketnum tkt tktno tktnumber eticket eticketno eticketnumber etkt 票号 客票号 电子客票号 机票号`,
	Card: `card cardno cardnumber cardnum creditcard creditcardno creditcardnumber ccnumber ccnum ccno pan paymentcard paymentcardnumber fopcard
		卡号 信用卡号 银行卡号 支付卡号`,
	FrequentFlyer: `ffn ffp ffpno ffpnumber ffnumber frequentflyer frequentflyerno frequentflyernumber frequentflyernum loyaltyno loyaltynumber
		loyaltyid membershipno membershipnumber memberno membernumber memberid milesno 常旅客 常旅客号 常旅客卡号 会员号 会员卡号 会员编号`,
	Phone: `phone phoneno phonenumber mobile mobileno mobilenumber mobilephone tel telno telephone telephonenumber cell cellphone cellno contactno
		contactnumber contactphone msisdn 手机 手机号 手机号码 电话 电话号码 联系电话 移动电话`,
	Email:       `email emailaddress mail mailaddress emailaddr contactemail 邮箱 电子邮箱 电子邮件 邮件地址`,
	Origin:      `origin orig from departureairport depairport depstation boardpoint dep departure fromairport origincode 始发地 出发地 出发机场 起飞机场 始发站`,
	Destination: `destination dest arrivalairport arrairport arrstation offpoint arr arrival toairport destinationcode 目的地 到达地 到达机场 目的站`,
	TravelDate: `traveldate flightdate departuredate depdate dateofflight fltdate flightdt departuretime depdt std 航班日期 出发日期 起飞日期 乘机日期
		起飞时间 旅行日期`,
	Street: `address street streetaddress address1 addressline1 addr homeaddress postaladdress mailingaddress 地址 住址 家庭住址 通讯地址 联系地址`,
	City:   `city town 城市`,
}

// German, French, Spanish, Portuguese, Italian, Russian, Turkish, Dutch, Polish, Japanese, Korean, Arabic and traditional Chinese.
var columnNamesElsewhere = map[Type]string{
	FullName: `nachnamevorname vollername passagier passagiername fahrgast fluggast nomcomplet nomprenom passager nombrecompleto pasajero
		nomecompleto passageiro passeggero nominativo фио пассажир имяпассажира yolcu yolcuadı adsoyad 氏名 乗客名 搭乗者名 성명 승객명 الاسمالكامل
		اسمالمسافر`,
	Surname: `nachname familienname nom nomdefamille apellido apellidos primerapellido sobrenome apelido cognome фамилия soyadı soyad soyisim
		achternaam nazwisko 苗字 名字 성 اللقب اسمالعائلة`,
	GivenName: `vorname vornamen prénom prenom prénoms prenoms nombre nombres primeironome имя adı isim voornaam imię imie 下の名前 이름 الاسم
		الاسمالأول`,
	Birth: `geburtsdatum geburtstag geb gebdatum datedenaissance naissance fechadenacimiento fechanacimiento nacimiento datadenascimento
		nascimento datadinascita датарождения деньрождения doğumtarihi dogumtarihi geboortedatum dataurodzenia 生年月日 생년월일 تاريخالميلاد`,
	DocumentNumber: `reisepass reisepassnummer reisepassnr passnummer passnr ausweisnummer passeport numérodepasseport numerodepasseport numpasseport
		nopasseport pasaporte númerodepasaporte numerodepasaporte nopasaporte passaporte númerodopassaporte numerodopassaporte passaporto
		numeropassaporto паспорт номерпаспорта загранпаспорт номердокумента pasaport pasaportno pasaportnumarası paspoort paspoortnummer
		paszport numerpaszportu パスポート パスポート番号 旅券番号 여권번호 جوازالسفر رقمجوازالسفر رقمالجواز 護照 護照號碼 護照號 證件號碼`,
	DocumentIssuer: `ausstellungsland paysdedélivrance paysémetteur paísemisor paisemisor paísdeexpedición странавыдачи paísemissor`,
	Nationality: `nationalität nationalitaet staatsangehörigkeit staatsangehoerigkeit staatsbürgerschaft nationalité nacionalidad nacionalidade
		nazionalità nazionalita cittadinanza гражданство uyruk uyruğu nationaliteit obywatelstwo 국적 الجنسية 國籍`,
	NationalID: `身分證 身分證號 身份證號`,
	Locator: `buchungscode buchungsnummer reservierungscode codederéservation codedereservation numérodedossier dossiervoyage localizador
		codigodereserva códigodereserva localizadora codicediprenotazione codiceprenotazione бронь номерброни кодброни rezervasyonkodu
		boekingscode boekingsnummer numerrezerwacji 予約番号 예약번호 رقمالحجز 訂位代號 訂位代碼`,
	Ticket: `ticketnummer flugscheinnummer numérodebillet numerodebillet billet billete númerodebillete numerodebillete bilhete biglietto
		numerobiglietto билет номербилета biletno biletnumarası ticketnr 航空券番号 항공권번호 رقمالتذكرة 票號 機票號碼`,
	Card: `kartennummer kreditkarte kreditkartennummer numérodecarte numerodecarte numérodetarjeta numerodetarjeta tarjeta númerodocartão
		numerodocartao numerocarta номеркарты kartnumarası kartno kaartnummer カード番号 카드번호 رقمالبطاقة 信用卡號`,
	FrequentFlyer: `vielfliegernummer meilenkonto numérofidélité numerofidelite viajerofrecuente passageirofrequente номеручастника マイレージ番号 회원번호`,
	Phone: `telefon telefonnummer telefonnr handy handynummer mobil mobilnummer mobiltelefon téléphone numérodetéléphone portable teléfono
		telefono móvil movil celular telefone телефон номертелефона мобильный telefonnumarası cep ceptelefonu telefoon telefoonnummer
		numertelefonu 電話 電話番号 携帯番号 전화번호 휴대폰 الهاتف رقمالهاتف الجوال 手機 手機號碼 聯絡電話`,
	Email: `emailadresse mailadresse courriel adresseemail correo correoelectrónico correoelectronico postaelettronica почта электроннаяпочта
		eposta epostaadresi メール メールアドレス 이메일 البريدالإلكتروني 電子郵件`,
	Street: `adresse anschrift straße strasse dirección direccion endereço endereco indirizzo адрес adres 住所 주소 العنوان`,
	City:   `ort stadt ville ciudad cidade città citta город şehir miasto`,
}
