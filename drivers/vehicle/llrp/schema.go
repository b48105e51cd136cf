package llrp

// field is one fixed field of a parameter, in the order of the wire.
type field struct {
	name string
	form form
	bits []string // of flags: names from the top bit down, "" for reserved ones
}

// form is how a field stands in bytes, all numbers big-endian.
type form uint8

const (
	fU8 form = iota
	fU16
	fU32
	fU64
	fS8
	fS16
	fText    // u16 length, UTF-8
	fBytes   // u16 length, bytes
	fWords   // u16 count of words, two bytes each
	fBits    // u16 length in bits, bytes
	f12      // 12 bytes
	fList8   // u16 count, u8 each
	fList16  // u16 count, u16 each
	fList32  // u16 count, u32 each
	fFlags8  // bits of a byte
	fFlags16 // bits of two bytes
	fTop2    // the upper two bits of a byte
	fPad8    // reserved byte
	fRest    // bytes to the end of the parameter
)

// param is the layout of a parameter: its fields, then parameters when it nests.
type param struct {
	name   string
	fields []field
	nests  bool
}

func u8(n string) field                   { return field{name: n, form: fU8} }
func u16(n string) field                  { return field{name: n, form: fU16} }
func u32(n string) field                  { return field{name: n, form: fU32} }
func u64(n string) field                  { return field{name: n, form: fU64} }
func s16(n string) field                  { return field{name: n, form: fS16} }
func of(n string, f form) field           { return field{name: n, form: f} }
func flags(f form, names ...string) field { return field{form: f, bits: names} }
func leaf(n string, f ...field) param     { return param{name: n, fields: f} }
func nest(n string, f ...field) param     { return param{name: n, fields: f, nests: true} }
func flag(n string) field                 { return flags(fFlags8, n) }
func events(n string, f ...field) param   { return param{name: n, fields: f} }
func result(n string, extra ...field) param {
	return leaf(n, append([]field{u8("Result"), u16("OpSpecID")}, extra...)...)
}

// Numbers of parameters, those with type and length: what a client sends and looks at. Source: as for tlvs.
const (
	ParamUTCTimestamp             = 128
	ParamROSpec                   = 177
	ParamROBoundarySpec           = 178
	ParamROSpecStartTrigger       = 179
	ParamROSpecStopTrigger        = 182
	ParamAISpec                   = 183
	ParamAISpecStopTrigger        = 184
	ParamInventoryParameterSpec   = 186
	ParamAccessSpec               = 207
	ParamAccessSpecStopTrigger    = 208
	ParamAccessCommand            = 209
	ParamKeepaliveSpec            = 220
	ParamAntennaProperties        = 221
	ParamROReportSpec             = 237
	ParamAccessReportSpec         = 239
	ParamTagReportContentSelector = 238
	ParamTagReportData            = 240
	ParamEPCData                  = 241
	ParamEventSpec                = 244
	ParamEventState               = 245
	ParamEventData                = 246
	ParamROSpecEvent              = 249
	ParamBufferWarning            = 250
	ParamBufferOverflow           = 251
	ParamReaderException          = 252
	ParamAntennaEvent             = 255
	ParamConnectionAttempt        = 256
	ParamConnectionClose          = 257
	ParamLLRPStatus               = 287
	ParamC1G2TagSpec              = 338
	ParamC1G2TargetTag            = 339
	ParamC1G2Read                 = 341
	ParamC1G2ReadResult           = 349
)

// Numbers of parameters of fixed length.
const (
	TVAntennaID    = 1
	TVFirstSeenUTC = 2
	TVLastSeenUTC  = 4
	TVPeakRSSI     = 6
	TVTagSeenCount = 8
	TVEPC96        = 13
)

// tlvs are the parameters with type and length. Source: LLRP 1.1 (EPCglobal, 2010), section 17.
var tlvs = map[uint16]param{
	128: leaf("UTCTimestamp", u64("Microseconds")),
	129: leaf("Uptime", u64("Microseconds")),
	137: nest("GeneralDeviceCapabilities", u16("MaxSupportedAntennas"),
		flags(fFlags16, "CanSetAntennaProperties", "HasUTCClock"), u32("DeviceManufacturer"),
		u32("Model"), of("FirmwareVersion", fText)),
	139: leaf("ReceiveSensitivityTableEntry", u16("Index"), s16("ReceiveSensitivity")),
	140: leaf("PerAntennaAirProtocol", u16("AntennaID"), of("AirProtocolIDs", fList8)),
	141: leaf("GPIOCapabilities", u16("NumGPIs"), u16("NumGPOs")),
	142: leaf("LLRPCapabilities", flags(fFlags8, "CanDoRFSurvey", "CanReportBufferFillWarning",
		"SupportsClientRequestOpSpec", "CanDoTagInventoryStateAwareSingulation", "SupportsEventsAndReportHolding"),
		u8("MaxPriorityLevelSupported"), u16("ClientRequestedOpSpecTimeout"), u32("MaxROSpecs"),
		u32("MaxSpecsPerROSpec"), u32("MaxInventoryParameterSpecsPerAISpec"), u32("MaxAccessSpecs"),
		u32("MaxOpSpecsPerAccessSpec")),
	143: nest("RegulatoryCapabilities", u16("CountryCode"), u16("CommunicationsStandard")),
	144: nest("UHFBandCapabilities"),
	145: leaf("TransmitPowerLevelTableEntry", u16("Index"), s16("TransmitPowerValue")),
	146: nest("FrequencyInformation", flag("Hopping")),
	147: leaf("FrequencyHopTable", u8("HopTableID"), of("", fPad8), of("Frequencies", fList32)),
	148: leaf("FixedFrequencyTable", of("Frequencies", fList32)),
	149: leaf("PerAntennaReceiveSensitivityRange", u16("AntennaID"), u16("ReceiveSensitivityIndexMin"),
		u16("ReceiveSensitivityIndexMax")),
	177: nest("ROSpec", u32("ROSpecID"), u8("Priority"), u8("CurrentState")),
	178: nest("ROBoundarySpec"),
	179: nest("ROSpecStartTrigger", u8("Trigger")),
	180: nest("PeriodicTriggerValue", u32("Offset"), u32("Period")),
	181: leaf("GPITriggerValue", u16("Port"), flag("Event"), u32("Timeout")),
	182: nest("ROSpecStopTrigger", u8("Trigger"), u32("DurationTriggerValue")),
	183: nest("AISpec", of("AntennaIDs", fList16)),
	184: nest("AISpecStopTrigger", u8("Trigger"), u32("DurationTriggerValue")),
	186: nest("InventoryParameterSpec", u16("InventoryParameterSpecID"), u8("AirProtocolID")),
	207: nest("AccessSpec", u32("AccessSpecID"), u16("AntennaID"), u8("AirProtocolID"), flag("CurrentState"),
		u32("ROSpecID")),
	208: leaf("AccessSpecStopTrigger", u8("Trigger"), u16("OperationCountValue")),
	209: nest("AccessCommand"),
	217: leaf("LLRPConfigurationStateValue", u32("Value")),
	218: leaf("Identification", u8("IDType"), of("ReaderID", fBytes)),
	219: leaf("GPOWriteData", u16("Port"), flag("Data")),
	220: leaf("KeepaliveSpec", u8("Trigger"), u32("Interval")),
	221: leaf("AntennaProperties", flag("AntennaConnected"), u16("AntennaID"), s16("AntennaGain")),
	222: nest("AntennaConfiguration", u16("AntennaID")),
	223: leaf("RFReceiver", u16("ReceiverSensitivity")),
	224: leaf("RFTransmitter", u16("HopTableID"), u16("ChannelIndex"), u16("TransmitPowerIndex")),
	225: leaf("GPIPortCurrentState", u16("Port"), flag("Enabled"), u8("State")),
	226: leaf("EventsAndReports", flag("Hold")),
	237: nest("ROReportSpec", u8("Trigger"), u16("N")),
	238: nest("TagReportContentSelector", flags(fFlags16, "EnableROSpecID", "EnableSpecIndex",
		"EnableInventoryParamSpecID", "EnableAntennaID", "EnableChannelIndex",
		"EnablePeakRSSI", "EnableFirstSeenTimestamp", "EnableLastSeenTimestamp", "EnableTagSeenCount",
		"EnableAccessSpecID")),
	239: leaf("AccessReportSpec", u8("Trigger")),
	240: nest("TagReportData"),
	241: leaf("EPCData", of("EPC", fBits)),
	242: nest("RFSurveyReportData"),
	244: nest("ReaderEventNotificationSpec"),
	245: leaf("EventNotificationState", u16("ReaderEventType"), flag("NotificationEnabled")),
	246: nest("ReaderEventNotificationData"),
	247: leaf("HoppingEvent", u16("HopTableID"), u16("NextChannelIndex")),
	248: leaf("GPIEvent", u16("Port"), flag("Event")),
	249: leaf("ROSpecEvent", u8("Event"), u32("ROSpecID"), u32("PreemptingROSpecID")),
	250: leaf("ReportBufferLevelWarningEvent", u8("BufferPercentageFull")),
	251: leaf("ReportBufferOverflowErrorEvent"),
	252: nest("ReaderExceptionEvent", of("Message", fText)),
	253: leaf("RFSurveyEvent", u8("Event"), u32("ROSpecID"), u16("SpecIndex")),
	254: nest("AISpecEvent", u8("Event"), u32("ROSpecID"), u16("SpecIndex")),
	255: leaf("AntennaEvent", u8("Event"), u16("AntennaID")),
	256: leaf("ConnectionAttemptEvent", u16("Status")),
	257: leaf("ConnectionCloseEvent"),
	287: nest("LLRPStatus", u16("Status"), of("ErrorDescription", fText)),
	288: leaf("FieldError", u16("FieldIndex"), u16("ErrorCode")),
	289: nest("ParameterError", u16("ParameterType"), u16("ErrorCode")),
	327: leaf("C1G2LLRPCapabilities", flags(fFlags8, "SupportsBlockErase", "SupportsBlockWrite",
		"SupportsBlockPermalock", "SupportsTagRecommissioning", "SupportsUMIMethod2", "SupportsXPC"),
		u16("MaxSelectFiltersPerQuery")),
	328: nest("UHFC1G2RFModeTable"),
	329: leaf("UHFC1G2RFModeTableEntry", u32("ModeID"), flags(fFlags8, "DivideRatio", "IsEPCHagConformant"),
		u8("Modulation"), u8("ForwardLinkModulation"), u8("SpectralMask"),
		u32("BackscatterDataRate"), u32("PIERatio"), u32("MinTariTime"), u32("MaxTariTime"), u32("StepTariTime")),
	330: nest("C1G2InventoryCommand", flag("TagInventoryStateAware")),
	335: leaf("RFControl", u16("RFModeID"), u16("Tari")),
	336: nest("SingulationControl", of("Session", fTop2), u16("TagPopulation"), u32("TagTransitTime")),
	338: nest("C1G2TagSpec"),
	339: leaf("C1G2TargetTag", of("MB", fTop2), u16("Pointer"), of("TagMask", fBits), of("TagData", fBits)),
	341: leaf("C1G2Read", u16("OpSpecID"), u32("AccessPassword"), of("MB", fTop2), u16("WordPointer"),
		u16("WordCount")),
	348:  leaf("C1G2EPCMemorySelector", flags(fFlags8, "CRCEnabled", "PCBitsEnabled", "XPCBitsEnabled")),
	349:  result("C1G2ReadOpSpecResult", of("Data", fWords)),
	350:  result("C1G2WriteOpSpecResult", u16("WordsWritten")),
	351:  result("C1G2KillOpSpecResult"),
	352:  result("C1G2LockOpSpecResult"),
	353:  result("C1G2BlockEraseOpSpecResult"),
	354:  result("C1G2BlockWriteOpSpecResult", u16("WordsWritten")),
	356:  events("SpecLoopEvent", u32("ROSpecID"), u32("LoopCount")),
	1023: leaf("Custom", u32("VendorID"), u32("Subtype"), of("Data", fRest)),
}

// tvs are the parameters of fixed length.
var tvs = map[uint16]param{
	1: leaf("AntennaID", u16("AntennaID")), 2: leaf("FirstSeenUTC", u64("Microseconds")),
	3: leaf("FirstSeenUptime", u64("Microseconds")),
	4: leaf("LastSeenUTC", u64("Microseconds")), 5: leaf("LastSeenUptime", u64("Microseconds")),
	6: leaf("PeakRSSI", of("PeakRSSI", fS8)),
	7: leaf("ChannelIndex", u16("ChannelIndex")), 8: leaf("TagSeenCount", u16("TagSeenCount")),
	9:  leaf("ROSpecID", u32("ROSpecID")),
	10: leaf("InventoryParameterSpecID", u16("InventoryParameterSpecID")), 11: leaf("C1G2CRC", u16("CRC")),
	12: leaf("C1G2PC", u16("PC")),
	13: leaf("EPC96", of("EPC", f12)), 14: leaf("SpecIndex", u16("SpecIndex")),
	15: leaf("ClientRequestOpSpecResult", u16("OpSpecID")),
	16: leaf("AccessSpecID", u32("AccessSpecID")), 17: leaf("OpSpecID", u16("OpSpecID")),
	18: leaf("C1G2SingulationDetails", u16("CollisionSlots"), u16("EmptySlots")),
	19: leaf("C1G2XPCW1", u16("XPCW1")), 20: leaf("C1G2XPCW2", u16("XPCW2")),
}
