# SPDX-License-Identifier: GPL-3.0-or-later
# The demo study as a whole: random numbers, files, what the sites, items, effects and events are. Globals of one
# subject (site, subject, enrolled, treated, cohort, ...) are set in subject.awk.

# --- random numbers: 16807 mod 2^31-1 (Park and Miller, Commun ACM 1988;31:1192); exact in a double ---

function uniform() {
    seed = (seed * 16807) % 2147483647
    return seed / 2147483647
}
function chance(p) { return uniform() < p }
function between(low, high) { return low + int(uniform() * (high - low + 1)) }
function normal(mean, sd,    i, sum) {
    sum = 0
    for (i = 0; i < 12; i++)
        sum += uniform()
    return mean + sd * (sum - 6)
}
# "mild 6 moderate 3": one of the words, by weight
function pick(words,    n, word, i, total, at) {
    n = split(words, word, " ")
    total = 0
    for (i = 2; i <= n; i += 2)
        total += word[i]
    at = uniform() * total
    for (i = 2; i < n; i += 2) {
        at -= word[i]
        if (at < 0)
            return word[i - 1]
    }
    return word[n - 1]
}
function poisson(mean_exp,    n, product) {     # mean_exp = exp(-mean)
    product = uniform()
    for (n = 0; product > mean_exp; n++)
        product *= uniform()
    return n
}
function round(x) { return x < 0 ? -int(0.5 - x) : int(x + 0.5) }
function clamp(x, low, high) { return x < low ? low : x > high ? high : x }
function truth(x) { return x ? "true" : "false" }
function yes(p) { return truth(chance(p)) }
function fixed(x) { return sprintf("%.1f", x) }
function text(x) { return index(x, ",") ? "\"" x "\"" : x }
# a date of which sometimes only the month or the year is known
function vague(day, month_only, year_only,    u) {
    u = uniform()
    return day (u < year_only ? "y" : u < year_only + month_only ? "m" : "")
}

# --- files ---

function open(name, columns) { print columns > (out "/" name ".csv") }
function write(name, cells) { print cells > (out "/" name ".csv") }
function send(name, knee, visit, instance, day, cells) {
    write(name, subject "," knee "," visit "," instance "," day "," cells)
}

function open_files(    start, i) {
    start = "subject,knee,visit,instance,date,"
    open("sites", "site,name,time_zone")
    open("allocation", "subject,knee,cohort")
    open("01_enrolment", start "index_knee,both_knees_affected")
    open("02_screening", start "occasion,consent_version,consent_date,consent_follow_up," \
         "consent_data_sharing,knee_pain_3_months,imaging_confirms,no_injection_3_months," \
         "no_active_infection,no_malignancy_5_years,not_pregnant,eligible,not_eligible_reason," \
         "withdrawal_date,withdrawal_scope")
    open("03_baseline", start "#confirm,age_years,sex,height_cm,weight_kg,bmi,smoker,diabetes," \
         "work_status,sport_before,kl_grade,kl_grade_other_knee,kl_film_date,kl_reader,compartment," \
         "symptom_duration_months,indication_left,indication_right,alignment_left,alignment_right," \
         "earlier_surgery_left,earlier_surgery_right,earlier_physical_therapy,earlier_corticosteroid," \
         "earlier_hyaluronic_acid,earlier_prp,analgesics_now,rheumatoid_arthritis," \
         "other_autoimmune_disease,active_infection")
    open("04_treatment", start "#confirm,injections_planned,number_in_course,regulatory_basis," \
         "product_kind,product_name,product_lot,donor,tissue_source,harvest_site,harvest_date," \
         "harvest_volume_ml,preparation,culture_medium,passages,storage,dose_million_cells," \
         "viability_percent,markers_test,sterility_test,endotoxin_test,release_test,dose_mg,volume_ml," \
         "route,imaging_guidance,aspirated_ml,anaesthesia,operator_number,price,currency,paid_by")
    koos_columns = ""
    for (i = 1; i <= koos_items; i++)
        koos_columns = koos_columns (i > 1 ? "," : "") koos_item[i]
    open("05_koos", start koos_columns)
    open("06_pain_vas", start "vas")
    open("07_patient_global", start "pga")
    open("08_return_to_activity", start "daily_activity,daily_activity_date,work,work_date,sport," \
         "sport_date,sport_level")
    open("09_imaging", start "modality,reader,reading_number,reader_masked,field_strength_t,mocart," \
         "bone_marrow_lesion_mm3")
    open("10_adverse_event", start event_columns)
    open("11_joint_event", start "kind,replacement_kind,reinjection_kind,place")
    open("12_concomitant_treatment", start "kind,agent,daily_dose,route,for_the_knee,rescue,start," \
         "ongoing,stop")
    open("13_protocol_deviation", start "category,important,description,found_on,action")
    open("14_end_of_study", start "last_contact,reason,reason_other,death_date,death_cause,death_related")
    open("90_koos", start "#version,#reason," koos_columns)
    open("91_adverse_event", start "#version,#reason," event_columns)
}

# --- what the study is made of ---

function add_items(prefix, section, offsets,    n, offset, i) {
    n = split(offsets, offset, " ")
    for (i = 1; i <= n; i++) {
        koos_item[++koos_items] = prefix i
        koos_section[koos_items] = section
        koos_offset[koos_items] = offset[i]
    }
}
function add_site(number, subjects, opens, zone, name) {
    sites++
    site_subjects[number] = subjects
    site_opens[number] = opens
    write("sites", number "," name "," zone)
}
# kind of event: e = soon after the injection, h = at the harvest site, l = any time
function add_event(when, weight, interest, term, coded, class) {
    events[when]++
    event_weight[when] += weight
    event_of[when, events[when]] = weight "|" interest "|" term "|" coded "|" class
}
function define_events(    muscle, general, injury, infection) {
    muscle = "Musculoskeletal and connective tissue disorders"
    general = "General disorders and administration site conditions"
    injury = "Injury, poisoning and procedural complications"
    infection = "Infections and infestations"
    add_event("e", 30, "swelling", "swollen knee", "Joint effusion", muscle)
    add_event("e", 28, "discomfort", "more knee pain after the injection", "Arthralgia", muscle)
    add_event("e", 14, "stiffness", "stiff knee", "Joint range of motion decreased", muscle)
    add_event("e", 10, "redness", "redness at the injection site", "Injection site reaction", general)
    add_event("e", 5, "bleeding", "bruise at the knee", "Bruising", injury)
    add_event("e", 3, "none", "tired and feverish for two days", "Fever", general)
    add_event("e", 1.5, "allergy", "itching rash", "Allergic reaction", "Immune system disorders")
    add_event("e", 1, "septic_arthritis", "septic arthritis of the knee", "Joint infection", infection)
    add_event("h", 5, "harvest_site", "bruise at the belly", "Bruising", injury)
    add_event("h", 4, "harvest_site", "sore belly", "Abdominal pain", "Gastrointestinal disorders")
    add_event("l", 16, "discomfort", "flare of the knee", "Arthralgia", muscle)
    add_event("l", 8, "swelling", "swollen knee after a walk", "Joint effusion", muscle)
    add_event("l", 14, "none", "common cold", "Upper respiratory infection", infection)
    add_event("l", 10, "none", "back pain", "Back pain", muscle)
    add_event("l", 8, "none", "fall", "Fall", injury)
    add_event("l", 7, "none", "raised blood pressure", "Hypertension", "Vascular disorders")
    add_event("l", 6, "none", "headache", "Headache", "Nervous system disorders")
    add_event("l", 5, "infection", "infection of the bladder", "Urinary tract infection", infection)
    add_event("l", 3, "nerve_injury", "numb patch below the knee", "Peripheral sensory neuropathy",
              "Nervous system disorders")
    add_event("l", 2, "none", "chest pain", "Chest pain - cardiac", "Cardiac disorders")
    add_event("l", 1.5, "neoplasm", "basal cell carcinoma",
              "Neoplasms benign, malignant and unspecified - Other, specify",
              "Neoplasms benign, malignant and unspecified (incl cysts and polyps)")
}
function define_study() {
    seed = 20261121
    visits = split("M3 M6 M12 M24", visit, " ")
    split("92 184 366 731", target, " ")
    split("14 21 30 60", due, " ")
    split("4 6 9 16", spread, " ")          # standard deviation of the day of the visit
    split("0.040 0.045 0.055 0.075", drop_out, " ")
    # what everyone gains (points of an item, 0-4), and what the cohort adds to it
    split("0.46 0.46 0.40 0.28", gain, " ")
    split("0.02 0.10 0.11 0.06", extra_ad, " ")
    split("0.03 0.08 0.09 0.05", extra_uc, " ")
    split("0.10 -0.02 -0.05 -0.04", extra_cs, " ")
    for (k = 1; k <= visits; k++) {
        extra["AD-MSC", k] = extra_ad[k]
        extra["UC-MSC", k] = extra_uc[k]
        extra["CS", k] = extra_cs[k]
    }
    add_items("s", "symptoms", "0.0 0.3 -0.5 -0.3 0.1 0.4 0.2")
    add_items("p", "pain", "0.9 0.5 0.1 0.2 0.0 0.6 -0.3 -0.4 0.1")
    add_items("a", "adl", "0.4 0.3 0.1 0.0 0.2 -0.2 0.1 -0.1 -0.1 -0.2 -0.3 -0.5 0.0 -0.6 -0.4 0.7 -0.2")
    add_items("sp", "sport", "0.9 1.2 1.3 1.0 1.1")
    add_items("q", "qol", "0.9 0.6 0.4 0.5")
    event_columns = "term,onset,ongoing,end,worsened_after_treatment,severity,ctcae_grade," \
        "special_interest,serious,aware_on,serious_death,serious_life_threatening," \
        "serious_hospitalisation,serious_disability,serious_congenital,serious_important," \
        "related_product,related_procedure,expected,action,outcome,led_to_withdrawal,coded_term," \
        "system_organ_class,dictionary,dictionary_version"
    define_events()
}

BEGIN {
    define_study()
    define_treatments()
    open_files()
    add_site(1, 52, 0, "Europe/Berlin", "Joint Clinic North")
    add_site(2, 46, 25, "Europe/Lisbon", "Orthopaedic Department West")
    add_site(3, 42, 60, "America/New_York", "Knee Centre East")
    add_site(4, 38, 90, "America/Sao_Paulo", "University Hospital South")
    add_site(5, 34, 150, "Asia/Tokyo", "Regenerative Medicine Institute")
    add_site(6, 28, 210, "Australia/Sydney", "Sports Medicine Harbour")
    for (site = 1; site <= sites; site++)
        for (number = 1; number <= site_subjects[site]; number++) {
            subject = sprintf("%02d-%04d", site, number)
            enrolled = site_opens[site] + \
                int((number - 1 + uniform()) / site_subjects[site] * (905 - site_opens[site]))
            make_subject()
        }
}
