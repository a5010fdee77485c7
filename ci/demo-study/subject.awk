# SPDX-License-Identifier: GPL-3.0-or-later
# One subject of the demo study, from consent to the end: make_subject() is called by study.awk.

# --- questionnaires ---

# Answers of one KOOS at latent severity `level`; now and then items, or most of a section, are left open.
function koos_cells(level,    i, cells, cell, skipped, p) {
    skipped = chance(0.03) ? pick("pain 3 adl 2 sport 4 qol 1 symptoms 1") : ""
    cells = ""
    for (i = 1; i <= koos_items; i++) {
        p = koos_item[i] == "sp2" || koos_item[i] == "sp3" ? 0.05 : koos_item[i] == "a13" ? 0.03 : 0.008
        if (koos_section[i] == skipped)
            p = 0.8
        cell = clamp(round(level + koos_offset[i] + normal(0, 0.55)), 0, 4)
        if (chance(p))
            cell = koos_section[i] == "sport" && chance(0.4) ? "!not_applicable" : \
                chance(0.1) ? "!refused" : ""
        cells = cells (i > 1 ? "," : "") cell
    }
    return cells
}
# One item was typed wrongly: the paper form says one point more or less.
function koos_corrected(cells,    n, cell, i, at, result) {
    n = split(cells, cell, ",")
    at = between(1, n)
    while (cell[at] !~ /^[0-4]$/)
        at = at % n + 1
    cell[at] = cell[at] > 2 ? cell[at] - 1 : cell[at] + 1
    result = cell[1]
    for (i = 2; i <= n; i++)
        result = result "," cell[i]
    return result
}
function scale_0_100(level, sd,    value) {
    value = clamp(normal(25 * level, sd), 0, 100)
    return site == 3 ? fixed(value) : round(value)
}
function questionnaires(knee, name, day, level,    cells) {
    if (!chance(0.015)) {
        cells = koos_cells(level)
        send("05_koos", knee, name, 1, day, cells)
        if (chance(0.012))
            send("90_koos", knee, name, 1, day, "2,typing error: corrected against the paper form," \
                  koos_corrected(cells))
    }
    if (!chance(0.025))
        send("06_pain_vas", knee, name, 1, day, scale_0_100(level, 9))
    if (!chance(0.035))
        send("07_patient_global", knee, name, 1, day, scale_0_100(level + 0.1, 11))
}

# --- one subject ---

function draw_person() {
    cohort = pick(site == 5 ? "AD-MSC 4 UC-MSC 1 CS 3" : site == 2 ? "AD-MSC 2 UC-MSC 4 CS 3" : \
                  "AD-MSC 1 UC-MSC 1 CS 1")
    index_knee = chance(0.55) ? "right" : "left"
    other_knee = index_knee == "right" ? "left" : "right"
    both = chance(0.36)
    age = clamp(round(normal(cohort == "CS" ? 63 : 60, 9)), 36, 86)
    kl = pick(cohort == "CS" ? "1 6 2 30 3 44 4 20" : "1 10 2 38 3 40 4 12") + 0
    level0 = clamp(normal(1.85 + 0.12 * (kl - 2.5), 0.55), 0.6, 3.4)
    other0 = clamp(level0 - 0.2 - uniform(), 0.2, 3.2)
    response = normal(0, 0.42)
    consent = enrolled
    consents = 0
    event_count[subject] = 0
    sport_before = pick("none 45 recreational 48 competitive 7")
    work_status = age > 66 ? "retired" : pick("working 70 off_sick 12 not_working 10 retired 8")
    replaced = 0
    died_on = 0
}
function write_enrolment(eligible, reason) {
    write("allocation", subject ",none," cohort)
    send("01_enrolment", "none", "unscheduled", 1, enrolled, index_knee "," truth(both))
    send("02_screening", "none", "unscheduled", ++consents, enrolled, "screening,1.0," consent "," \
          yes(0.95) "," yes(0.8) ",true," truth(reason != "not_osteoarthritis") "," \
          truth(reason != "recent_injection") ",true,true,true," truth(eligible) "," reason ",,")
}
function write_baseline(day,    height, weight, bmi, confirm, left, right, indication) {
    height = round(normal(chance(0.58) ? 165 : 177, 6))
    weight = clamp(normal(29, 4.3), 18.5, 43) * height * height / 10000
    confirm = ""
    if (subjects == 77) {
        weight = 46.2 * height * height / 10000
        confirm = "measured twice on two scales"
    }
    weight = int(weight * 10 + 0.5) / 10
    bmi = weight * 10000 / (height * height)
    indication = pick("osteoarthritis 88 chondromalacia 6 meniscus 6")
    left = index_knee == "left" ? indication : both ? "osteoarthritis" : "none"
    right = index_knee == "right" ? indication : both ? "osteoarthritis" : "none"
    send("03_baseline", "none", "BL", 1, day, confirm "," age "," (height < 170 ? "f" : "m") "," \
          height "," fixed(weight) "," fixed(bmi) "," yes(0.14) "," yes(0.11) "," work_status "," \
          sport_before "," kl "," (both ? clamp(kl - between(0, 1), 1, 4) : between(0, 1)) "," \
          (enrolled > 40 ? vague(enrolled - between(0, 40), 0.1, 0) : "") "," \
          (chance(0.9) ? between(1, 3) : "") "," \
          pick("medial 62 lateral 12 patellofemoral 12 several 14") "," \
          (chance(0.96) ? clamp(round(normal(62, 34)), 4, 300) : "!unknown") "," left "," right "," \
          pick("neutral 60 varus 32 valgus 8") "," pick("neutral 60 varus 32 valgus 8") "," \
          truth(left != "none" && chance(0.25)) "," truth(right != "none" && chance(0.25)) "," \
          yes(0.8) "," yes(0.45) "," yes(0.3) "," yes(0.08) "," yes(0.4) ",false,false,false")
}
function write_injection(knee, number, planned, day,    product, delivery, price, confirm) {
    confirm = number > planned ? "the effect of the course wore off" : ""
    price = cohort == "CS" ? between(80, 180) : between(2500, 6500)
    if (cohort == "AD-MSC")
        product = "cells,autologous adipose cells,AD-" subject ",autologous,adipose," \
            pick("abdomen 7 flank 3") "," (treated - 28) "," between(60, 150) \
            ",culture_expanded,minimal medium with human platelet lysate," between(2, 4) ",fresh," \
            fixed(normal(50, 5)) "," fixed(normal(92, 3)) ",passed,passed,passed,passed,"
    else if (cohort == "UC-MSC")
        product = "cells,umbilical-cord cells,UC-" (100 + int(day / 60)) ",allogeneic,umbilical_cord,,,," \
            "culture_expanded,minimal medium with human platelet lysate," between(4, 6) ",frozen," \
            fixed(normal(20, 1.5)) "," fixed(normal(86, 3.5)) ",passed,passed,passed,passed,"
    else
        product = "corticosteroid,triamcinolone acetonide,TA-" (10 + int(day / 200)) ",,,,,,,,,,,,,,,,40"
    delivery = "intra_articular," pick("ultrasound 7 none 2 fluoroscopy 1") "," \
        (chance(0.25) ? between(5, 30) : 0) "," pick("local 8 none 2") "," between(1, 3)
    send("04_treatment", knee, "unscheduled", number, day, confirm "," planned "," number \
          ",approved_trial," product "," fixed(cohort == "CS" ? 1 : 4 + between(0, 4) / 2) "," delivery "," \
          (chance(0.7) ? price ".00,EUR,study" : ",,study"))
}
function treat(    number, planned, second) {
    planned = cohort == "CS" ? 1 : pick("1 75 2 20 3 5") + 0
    both_treated = both && chance(0.35)
    second = treated + (chance(0.5) ? 0 : between(7, 28))
    for (number = 1; number <= planned; number++) {
        write_injection(index_knee, number, planned, treated + 28 * (number - 1))
        if (both_treated)
            write_injection(other_knee, number, planned, second + 28 * (number - 1))
    }
    if (cohort != "CS" && chance(0.05))
        write_injection(index_knee, number, planned, treated + 28 * planned + between(40, 90))
}

# --- safety ---

function draw_event(when,    at, i, part) {
    at = uniform() * event_weight[when]
    for (i = 1; i < events[when]; i++) {
        split(event_of[when, i], part, "|")
        at -= part[1]
        if (at < 0)
            break
    }
    split(event_of[when, i], part, "|")
    event_interest = part[2]
    event_term = part[3]
    event_coded = part[4]
    event_class = part[5]
}
function relation(when) {
    return pick(when == "l" ? "none 6 unlikely 3 possible 1" : "unlikely 1 possible 4 probable 4 definite 1")
}
# Columns from `severity` to the end, as event_columns names them.
function event_tail(grade, serious, aware, criterion, product, procedure, outcome) {
    return (chance(0.03) ? "" : grade >= 3 ? "severe" : grade == 2 ? "moderate" : "mild") "," \
        (chance(0.06) ? "" : grade) "," event_interest "," truth(serious) "," (serious ? aware : "") "," \
        (serious ? truth(criterion == 1) "," truth(criterion == 2) "," truth(criterion == 3) ",false,false," \
         truth(criterion == 6) : ",,,,,") "," product "," procedure "," \
        (product == "none" ? "" : pick("expected 8 unexpected 2")) "," \
        (serious ? "admitted" : pick("none 6 medication 4")) "," outcome "," truth(event_leads_out) "," \
        text(event_coded) "," text(event_class) ",CTCAE,5.0"
}
function write_event(when, onset,    length_days, stop, report, grade, serious, knee, tail, start, number,
                     later, product, procedure, outcome) {
    draw_event(when)
    grade = pick("1 64 2 30 3 6") + 0
    serious = event_interest == "septic_arthritis" || event_term == "chest pain" || grade == 3 && chance(0.35)
    if (serious && grade < 3)
        grade = 3
    length_days = between(1, when == "l" ? 40 : 14) + (grade == 3 ? 14 : 0)
    stop = onset + length_days
    if (died_on && stop > died_on)
        stop = died_on
    later = length_days > 12 && chance(0.4)
    report = later ? onset + between(1, 8) : stop + between(0, 12)
    knee = when == "h" || event_interest == "none" || event_interest == "neoplasm" ? "none" : index_knee
    start = when == "l" ? vague(onset, 0.14, 0.03) : onset
    product = cohort == "CS" && when == "h" ? "none" : chance(0.03) ? "" : relation(when)
    procedure = chance(0.05) ? "" : relation(when)
    outcome = when == "l" && chance(0.08) ? "not_recovered" : "recovered"
    tail = event_tail(grade, serious, onset + between(0, 1), chance(0.8) ? 3 : 6, product, procedure, outcome)
    number = ++event_count[subject]
    start = event_term "," start
    if (outcome == "not_recovered")
        send("10_adverse_event", knee, "unscheduled", number, report, start ",true,,," tail)
    else if (later) {
        send("91_adverse_event", knee, "unscheduled", number, report,
             "2,the event is over," start ",false," stop ",," tail)
        sub(",recovered,", ",recovering,", tail)
        send("10_adverse_event", knee, "unscheduled", number, report, start ",true,,," tail)
    } else
        send("10_adverse_event", knee, "unscheduled", number, report,
             start ",false," vague(stop, when == "l" ? 0.15 : 0.02, 0) ",," tail)
}
function write_events(last,    n, i) {
    event_leads_out = 0
    n = poisson(cohort == "CS" ? 0.64 : 0.52)
    for (i = 0; i < n; i++)
        write_event("e", treated + between(0, 9))
    if (cohort == "AD-MSC" && chance(0.12) && treated > 28)
        write_event("h", treated - 28 + between(0, 3))   # the harvest is 28 days before
    n = poisson(last - treated > 400 ? 0.42 : 0.67)
    for (i = 0; i < n && last > treated + 10; i++)
        write_event("l", between(treated + 10, last))
}
function write_fatal_event(day) {
    event_leads_out = 1
    event_interest = "none"
    event_term = "heart attack"
    event_coded = "Myocardial infarction"
    event_class = "Cardiac disorders"
    send("10_adverse_event", "none", "unscheduled", ++event_count[subject], day + 2, event_term "," day \
          ",false," day ",," event_tail(5, 1, day + 1, 1, "none", "none", "fatal"))
}
function write_replacement(day) {
    replaced = day
    send("11_joint_event", index_knee, "unscheduled", 1, day, "replacement," \
          pick("total 8 unicompartmental 2") ",," pick("here 3 elsewhere 7"))
    event_leads_out = 0
    event_interest = "none"
    event_term = "admitted for knee replacement"
    event_coded = "Arthritis"
    event_class = "Musculoskeletal and connective tissue disorders"
    send("10_adverse_event", index_knee, "unscheduled", ++event_count[subject], day + 9, event_term "," day \
          ",false," (day + 7) ",," event_tail(3, 1, day + 1, 3, "unlikely", "none", "recovered"))
}
function write_other_treatments(last,    n, i, kind, start, over, knee) {
    n = poisson(0.45)
    for (i = 1; i <= n; i++) {
        kind = pick("physical_therapy 30 analgesic 25 nsaid 30 hyaluronic_acid 3 prp 2 corticosteroid 4 " \
                    "opioid 2")
        start = between(treated, last)
        over = chance(0.6)
        knee = kind == "physical_therapy" || chance(0.6) ? index_knee : "none"
        send("12_concomitant_treatment", knee, "unscheduled", i, start + between(0, 30),
             kind "," agent[kind] "," dose[kind] "," way[kind] ",true," \
             truth(kind == "corticosteroid" || kind == "opioid") "," vague(start, 0.2, 0.03) "," \
             truth(!over) "," \
             (over ? vague(start + between(31, 90), 0.2, 0) : ""))
        if (kind == "corticosteroid")
            deviation("excluded_treatment", "true", "corticosteroid injected into the index knee", start)
    }
}
function define_treatments() {
    agent["physical_therapy"] = "exercise in a group"
    agent["analgesic"] = "paracetamol"; dose["analgesic"] = "2 g"; way["analgesic"] = "oral"
    agent["nsaid"] = "ibuprofen"; dose["nsaid"] = "1200 mg"; way["nsaid"] = "oral"
    agent["opioid"] = "tramadol"; dose["opioid"] = "100 mg"; way["opioid"] = "oral"
    agent["corticosteroid"] = "triamcinolone acetonide"; dose["corticosteroid"] = "40 mg once"
    way["corticosteroid"] = "intra_articular"
    agent["prp"] = "platelet-rich plasma"; dose["prp"] = "5 mL once"; way["prp"] = "intra_articular"
    agent["hyaluronic_acid"] = "hyaluronic acid"; dose["hyaluronic_acid"] = "60 mg once"
    way["hyaluronic_acid"] = "intra_articular"
}
function deviation(category, important, description, day) {
    send("13_protocol_deviation", "none", "unscheduled", ++deviations[subject], day, category "," \
          important "," text(description) "," (day + between(0, 20)) "," (chance(0.5) ? "told the site" : ""))
}

# --- visits ---

function write_imaging(name, day, k,    score, lesion, reading) {
    if (site != 1 && site != 3 || chance(0.12))
        return
    score = clamp(round(mocart0 + (k == 0 ? 0 : cohort == "CS" ? normal(0, 4) : normal(4, 5))), 0, 100)
    lesion = lesion0 * (k == 0 ? 1 : clamp(normal(cohort == "CS" ? 1 : 0.88, 0.18), 0.3, 2))
    for (reading = 1; reading <= (chance(0.3) ? 2 : 1); reading++)
        send("09_imaging", index_knee, name, reading, day, "mri," reading ",1,true,3.0," \
              clamp(score + (reading > 1 ? between(-3, 3) * 5 : 0), 0, 100) "," fixed(lesion))
}
function write_activity(name, day,    daily, work, sport) {
    daily = daily_day <= day ? "returned," daily_day : "not_yet,"
    work = work_status != "working" ? "not_applicable," : work_day > day ? "not_yet," : \
        "returned," vague(work_day, 0.15, 0)
    sport = sport_before == "none" ? "not_applicable,," : sport_day > day ? "not_yet,," : \
        "returned," vague(sport_day, 0.3, 0) "," pick("higher 1 same 5 lower 4")
    send("08_return_to_activity", index_knee, name, 1, day, daily "," work "," sport)
}
function draw_course() {
    daily_day = treated + pick("1 30 2 30 3 15 5 15 10 10")
    work_day = treated + between(2, 30)
    sport_day = treated + (chance(0.8) ? between(24, 75) : between(100, 900))
    mocart0 = clamp(normal(48, 12), 10, 85)
    lesion0 = 60 + 2600 * uniform() * uniform()
}
function follow_up(k, day,    level, noise, effect) {
    noise = normal(0, 0.22)
    effect = gain[k] + extra[cohort, k] + response
    level = clamp(level0 - effect + noise, 0, 4)
    if (replaced && replaced < day)
        level = clamp(level * 0.55, 0, 4)
    questionnaires(index_knee, visit[k], day, level)
    if (both)
        questionnaires(other_knee, visit[k], day,
                       clamp(other0 - (both_treated ? effect : 0.08) + noise, 0, 4))
    if (!chance(0.04))
        write_activity(visit[k], day)
    if (k >= 3 && !replaced)
        write_imaging(visit[k], day + between(0, 3), k)
    if (site == 2 && k == 3 && chance(0.6))
        send("02_screening", "none", "unscheduled", ++consents, day, "renewed_consent,2.0," day \
              ",true,true,,,,,,,,,,")
}
function visit_day(k,    off) {
    off = round(normal(0, spread[k]))
    if (chance(0.07))
        off += due[k] + between(0, 2 * due[k])
    if ((off > due[k] || off < -due[k]) && chance(0.6))
        deviation("visit_window", "false", "visit " visit[k] " outside its window, as the patient wished",
                  treated + target[k] - 1 + off)
    return treated + target[k] - 1 + off
}
function end_study(day, reason, form_day) {
    if (reason == "withdrew_consent")
        send("02_screening", "none", "unscheduled", ++consents, form_day, "withdrawal,1.0," consent \
              ",,,,,,,,,,," form_day "," pick("follow_up 6 all_contact 4"))
    send("14_end_of_study", "none", "unscheduled", 1, form_day, day "," reason "," \
          (reason == "other" ? "moved abroad" : "") "," (reason == "died" ? day ",heart attack,false" : ",,"))
}
function leave(k, last, died,    reason, day) {
    if (died) {
        day = between(last + 5, last + 60)
        died_on = day
        write_fatal_event(day)
        end_study(day, "died", day + between(3, 20))
        return day
    }
    reason = pick("lost_to_follow_up 52 withdrew_consent 30 physician_decision 6 other 8 adverse_event 4")
    day = last + between(0, 30)
    end_study(day, reason, day + (reason == "lost_to_follow_up" ? between(90, 150) : between(1, 10)))
    return day
}

# Follow-up from treatment to the end; returns the last day of contact.
function follow(    k, day, last, died) {
    last = treated
    for (k = 1; k <= visits; k++) {
        died = chance(k == 4 ? 0.006 : 0.0015)
        if (died || chance(drop_out[k] * (level0 - response > 2 ? 1.35 : 0.85)))
            return leave(k, last, died)
        if (!replaced && chance((target[k] - (k > 1 ? target[k - 1] : 0)) / 365 * 0.009 * kl))
            write_replacement(between(last + 10, treated + target[k] - 12))
        if (replaced > last && chance(0.4)) {
            end_study(replaced + 8, "joint_replacement", replaced + 10)
            return replaced + 8
        }
        day = visit_day(k)
        if (chance(0.04)) {
            deviation("assessment", "false", "visit " visit[k] " did not take place",
                      treated + target[k] - 1 + due[k])
            continue
        }
        follow_up(k, day)
        last = day
    }
    end_study(last, "completed", last)
    return last
}
function unscheduled(last,    day) {
    if (chance(0.03)) {
        day = between(treated + 20, last)
        send("05_koos", index_knee, "unscheduled", 1, day, koos_cells(clamp(level0 + 0.2, 0, 4)))
    }
    if (!replaced && chance(0.04) && last > treated + 200) {
        day = between(treated + 190, last)
        send("11_joint_event", index_knee, "unscheduled", 1, day, "reinjection,," \
              pick("corticosteroid 5 hyaluronic_acid 3 prp 2") ",elsewhere")
    }
}
function make_subject(    day, last) {
    subjects++
    draw_person()
    treated = enrolled + (cohort == "AD-MSC" ? between(32, 50) : between(7, 28))
    day = treated - between(0, 18)
    if (day < enrolled)
        day = enrolled
    if (chance(0.03)) {
        write_enrolment(0, pick("not_osteoarthritis 3 recent_injection 2"))
        end_study(enrolled + 3, "not_treated", enrolled + 5)
        return
    }
    write_enrolment(1, "")
    write_baseline(day)
    draw_course()
    questionnaires(index_knee, "BL", day, level0)
    if (both)
        questionnaires(other_knee, "BL", day, other0)
    write_imaging("BL", day, 0)
    if (chance(0.02)) {
        end_study(day + 5, "withdrew_consent", day + 6)
        return
    }
    treat()
    last = follow()
    write_events(last)
    write_other_treatments(last)
    unscheduled(last)
}
