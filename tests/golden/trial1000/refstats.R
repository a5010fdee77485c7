# SPDX-License-Identifier: GPL-3.0-or-later
# Reference statistics (R). Each function states the formula source a C implementer can cite.
suppressWarnings(suppressMessages({library(emmeans); library(survival)}))
source("mmrm_suff.R", chdir = TRUE)
Z <- qnorm(.975)
.E <- new.env()
emit_reset <- function() .E$r <- list()
emit <- function(table, row, col, vals, published=NULL, source="") {       # vals: named numeric
  for (n in names(vals)) .E$r[[length(.E$r)+1]] <- data.frame(table=table,row=row,col=col,stat=n,
     value=sprintf("%.12g", as.numeric(vals[[n]])), published=if (!is.null(published) && n %in% names(published)) as.character(published[[n]]) else "", source=if (!is.null(published) && n %in% names(published)) source else "") }
emit_write <- function(f) { dir.create(dirname(f),FALSE,TRUE); x<-do.call(rbind,.E$r); write.csv(x,f,row.names=FALSE,quote=TRUE); cat(f,nrow(x),"rows,",sum(x$published!=""),"with published\n")
  p <- x[x$published!="",]; pn<-suppressWarnings(as.numeric(p$published)); v<-as.numeric(p$value)
  dec <- ifelse(grepl("\\.",p$published), nchar(sub(".*\\.","",sub("[eE].*","",p$published))),0)
  ex <- ifelse(grepl("[eE]",p$published), suppressWarnings(as.numeric(sub(".*[eE]","",p$published))),0); bad <- !is.na(pn) & abs(v-pn) > 0.5000001*10^(ex-dec)+1e-12; if (any(bad)) {cat("  differs from published at its printed precision:",sum(bad),"of",nrow(p),"\n"); q<-p[bad,c("row","col","stat","value","published")]; q$rel<-sprintf("%.1e",abs(v[bad]/pn[bad]-1)); print(q,row.names=FALSE)} }

## -- descriptive (SAS PROC UNIVARIATE/MEANS; QNTLDEF=5 == R type 2) ------------------------------
desc <- function(x, nexp=length(x)) { n<-sum(!is.na(x)); x<-x[!is.na(x)]
  if (n==0) return(c(n=0,nmiss=nexp)); s<-if(n>1) sd(x) else NA; q<-quantile(x,c(.25,.5,.75),type=2,names=FALSE); tq<-if(n>1) qt(.975,n-1) else NA
  c(n=n,nmiss=nexp-n,mean=mean(x),sd=s,se=s/sqrt(n),lo=mean(x)-tq*s/sqrt(n),hi=mean(x)+tq*s/sqrt(n),q1=q[1],median=q[2],q3=q[3],min=min(x),max=max(x)) }

## -- one proportion --------------------------------------------------------------------------------
wilson <- function(x,n,z=Z){ p<-x/n; d<-1+z^2/n; c<-(p+z^2/(2*n))/d; h<-z*sqrt(p*(1-p)/n+z^2/(4*n^2))/d; c(lo=c-h,hi=c+h) }          # Wilson 1927; Newcombe 1998a m.3
clopper <- function(x,n,a=.05) c(lo=if(x==0)0 else qbeta(a/2,x,n-x+1), hi=if(x==n)1 else qbeta(1-a/2,x+1,n-x))                    # Clopper & Pearson 1934
agresti_coull <- function(x,n,z=Z){ nt<-n+z^2; p<-(x+z^2/2)/nt; h<-z*sqrt(p*(1-p)/nt); c(lo=p-h,hi=p+h) }
prop1 <- function(x,n) { w<-wilson(x,n); c0<-clopper(x,n); c(x=x,n=n,p=x/n,wilson_lo=w[[1]],wilson_hi=w[[2]],cp_lo=c0[[1]],cp_hi=c0[[2]]) }
## -- two proportions (1 - 2) -----------------------------------------------------------------------
newcombe <- function(x1,n1,x2,n2,z=Z){ a<-wilson(x1,n1,z); b<-wilson(x2,n2,z); p1<-x1/n1;p2<-x2/n2;d<-p1-p2                       # Newcombe 1998b m.10
  c(lo=d-sqrt((p1-a[[1]])^2+(b[[2]]-p2)^2), hi=d+sqrt((a[[2]]-p1)^2+(p2-b[[1]])^2)) }
mn_ptilde <- function(x1,n1,x2,n2,d){ N<-n1+n2; C<-x1+x2                                                                           # Miettinen & Nurminen 1985 eq. 28 (closed form)
  L3<-N; L2<-(n1+2*n2)*d-N-C; L1<-(n2*d-N-2*x2)*d+C; L0<-x2*d*(1-d)
  q<-L2^3/(3*L3)^3-L1*L2/(6*L3^2)+L0/(2*L3); p<-sign(q)*sqrt(max(0,L2^2/(3*L3)^2-L1/(3*L3))); if(p==0) {r2<- -L2/(3*L3)} else { a<-(pi+acos(max(-1,min(1,q/p^3))))/3; r2<-2*p*cos(a)-L2/(3*L3) }
  r2<-min(1,max(0,r2)); c(p1=min(1,max(0,r2+d)),p2=r2) }
mn <- function(x1,n1,x2,n2,z=Z,corr=TRUE){ d0<-x1/n1-x2/n2; N<-n1+n2
  f<-function(d){ t<-mn_ptilde(x1,n1,x2,n2,d); v<-(t[[1]]*(1-t[[1]])/n1+t[[2]]*(1-t[[2]])/n2)*(if(corr) N/(N-1) else 1); if (v<=0) return(if (d0==d) -z^2 else Inf); (d0-d)^2/v-z^2 }
  rt<-function(a,b) uniroot(f,c(a,b),tol=1e-15,maxiter=2000)$root; e<-1e-12
  c(lo=if (d0<= -1+1e-15) -1 else rt(-1+e,d0), hi=if (d0>=1-1e-15) 1 else rt(d0,1-e)) }
two_prop <- function(x1,n1,x2,n2){ x1<-as.numeric(x1);n1<-as.numeric(n1);x2<-as.numeric(x2);n2<-as.numeric(n2); p1<-x1/n1;p2<-x2/n2; d<-p1-p2; sw<-sqrt(p1*(1-p1)/n1+p2*(1-p2)/n2); nw<-newcombe(x1,n1,x2,n2); m<-mn(x1,n1,x2,n2); ft<-fisher.test(matrix(c(x1,n1-x1,x2,n2-x2),2)); 
  N<-n1+n2; O<-x1*(n2-x2)-x2*(n1-x1); chi<-N*O^2/(n1*n2*(x1+x2)*(N-x1-x2)); chic<-N*max(0,abs(O)-N/2)^2/(n1*n2*(x1+x2)*(N-x1-x2)); lr<-log(p1/p2); slr<-sqrt(1/x1-1/n1+1/x2-1/n2); or<-x1*(n2-x2)/(x2*(n1-x1)); sor<-sqrt(1/x1+1/(n1-x1)+1/x2+1/(n2-x2))
  c(x1=x1,n1=n1,x2=x2,n2=n2,rd=d,wald_lo=d-Z*sw,wald_hi=d+Z*sw,newcombe_lo=nw[[1]],newcombe_hi=nw[[2]],mn_lo=m[[1]],mn_hi=m[[2]],rr=p1/p2,rr_lo=exp(lr-Z*slr),rr_hi=exp(lr+Z*slr),or=or,or_lo=exp(log(or)-Z*sor),or_hi=exp(log(or)+Z*sor),
    chisq=chi,chisq_p=pchisq(chi,1,lower=FALSE),chisq_cc=chic,chisq_cc_p=pchisq(chic,1,lower=FALSE),fisher_p=ft$p.value) }
mh_rd <- function(x1,n1,x2,n2){ for(v in c("x1","n1","x2","n2")) assign(v,as.numeric(get(v))); n<-n1+n2; W<-sum(n1*n2/n); d<-sum((x1*n2-x2*n1)/n)/W; P<-(n1^2*x2-n2^2*x1+n1*n2*(n2-n1)/2)/n^2; Q<-(x1*(n2-x2)+x2*(n1-x1))/(2*n); v<-(d*sum(P)+sum(Q))/W^2; c(rd_mh=d,se=sqrt(v),lo=d-Z*sqrt(v),hi=d+Z*sqrt(v)) } # Sato 1989 (SAS COMMONRISKDIFF)
## generalised CMH (Landis, Heyman & Koch 1978; SAS PROC FREQ CMH): rows=treatment, cols=response, strata
gcmh <- function(tr, resp, st, rscore=NULL, cscore=NULL) { tr<-factor(tr);resp<-factor(resp);st<-factor(st); R<-nlevels(tr);C<-nlevels(resp); if(is.null(rscore)) rscore<-seq_len(R); if(is.null(cscore)) cscore<-as.numeric(levels(resp)); if(any(is.na(cscore))) cscore<-seq_len(C)
  tot<-list(); for (k in c("cor","rmeans","general")) tot[[k]]<-0; V<-tot
  for (s in levels(st)) { i<-st==s; n<-table(tr[i],resp[i]); N<-sum(n); if(N<2) next; pr<-rowSums(n)/N; pc<-colSums(n)/N; d<-as.vector(t(n-N*outer(pr,pc)))      # row-major
    v<-N^2/(N-1)*kronecker(diag(pr,R)-outer(pr,pr), diag(pc,C)-outer(pc,pc))
    A<-list(cor=kronecker(matrix(rscore,1),matrix(cscore,1)), rmeans=kronecker(cbind(diag(R-1),0),matrix(cscore,1)), general=kronecker(cbind(diag(R-1),0),cbind(diag(C-1),0)))
    for (k in names(A)) { tot[[k]]<-tot[[k]]+A[[k]]%*%d; V[[k]]<-V[[k]]+A[[k]]%*%v%*%t(A[[k]]) } }
  o<-c(); for (k in names(tot)) { q<-tryCatch(drop(t(tot[[k]])%*%solve(V[[k]])%*%tot[[k]]),error=function(e) drop(t(tot[[k]])%*%MASS::ginv(V[[k]])%*%tot[[k]])); df<-nrow(tot[[k]]); o[c(paste0(k,"_Q"),paste0(k,"_df"),paste0(k,"_p"))]<-c(q,df,pchisq(q,df,lower=FALSE)) }; o }
## -- effect size ---------------------------------------------------------------------------------
hedges <- function(x,y){ x<-x[!is.na(x)];y<-y[!is.na(y)];n1<-length(x);n2<-length(y);df<-n1+n2-2;sp<-sqrt(((n1-1)*var(x)+(n2-1)*var(y))/df);d<-(mean(x)-mean(y))/sp; J<-exp(lgamma(df/2)-lgamma((df-1)/2)-log(sqrt(df/2))); g<-J*d
  v<-(n1+n2)/(n1*n2)+g^2/(2*(n1+n2)); c(n1=n1,n2=n2,diff=mean(x)-mean(y),sd_pooled=sp,cohen_d=d,J=J,hedges_g=g,g_lo=g-Z*sqrt(v),g_hi=g+Z*sqrt(v)) }              # Hedges & Olkin 1985 (exact J, large-sample CI)
welch <- function(x,y){ t<-t.test(x,y); s<-t.test(x,y,var.equal=TRUE); c(welch_t=t$statistic[[1]],welch_df=t$parameter[[1]],welch_p=t$p.value,welch_lo=t$conf.int[1],welch_hi=t$conf.int[2],pooled_t=s$statistic[[1]],pooled_df=s$parameter[[1]],pooled_p=s$p.value,pooled_lo=s$conf.int[1],pooled_hi=s$conf.int[2]) }
wilcox2 <- function(x,y){ x<-x[!is.na(x)];y<-y[!is.na(y)]; w<-suppressWarnings(wilcox.test(x,y,exact=FALSE,correct=FALSE)); wc<-suppressWarnings(wilcox.test(x,y,exact=FALSE,correct=TRUE)); d<-sort(outer(x,y,"-")); c(W=w$statistic[[1]],p_norm=w$p.value,p_norm_cc=wc$p.value,hl=median(d),auc=w$statistic[[1]]/(length(x)*length(y))) }
## -- rates ---------------------------------------------------------------------------------------
garwood <- function(x,T,k=1,a=.05) c(x=x,T=T,rate=k*x/T,lo=if(x==0)0 else k*qchisq(a/2,2*x)/(2*T),hi=k*qchisq(1-a/2,2*x+2)/(2*T))                               # Garwood 1936 / Ulm 1990
rate_ratio <- function(x1,T1,x2,T2,a=.05){ n<-x1+x2; c0<-clopper(x1,n,a); c(rr=(x1/T1)/(x2/T2),lo=c0[[1]]/(1-c0[[1]])*T2/T1,hi=c0[[2]]/(1-c0[[2]])*T2/T1,p=binom.test(x1,n,T1/(T1+T2))$p.value) } # exact conditional
## -- ANCOVA --------------------------------------------------------------------------------------
ancova <- function(fml, d, trt, ref, weights="equal") { m<-lm(fml,d); e<-emmeans(m,as.formula(paste("~",trt)),weights=weights); s<-as.data.frame(summary(e,infer=c(TRUE,FALSE))); cc<-as.data.frame(summary(contrast(e,"trt.vs.ctrl",ref=which(levels(d[[trt]])==ref),adjust="none"),infer=TRUE)); list(m=m,e=e,ls=s,ct=cc) }
emit_ancova <- function(tab,row,a,trt,pub=NULL) { for(i in seq_len(nrow(a$ls))) emit(tab,row,as.character(a$ls[i,trt]),c(lsmean=a$ls$emmean[i],se=a$ls$SE[i],df=a$ls$df[i],lo=a$ls$lower.CL[i],hi=a$ls$upper.CL[i]))
  for(i in seq_len(nrow(a$ct))) emit(tab,row,as.character(a$ct$contrast[i]),c(diff=a$ct$estimate[i],se=a$ct$SE[i],df=a$ct$df[i],lo=a$ct$lower.CL[i],hi=a$ct$upper.CL[i],t=a$ct$t.ratio[i],p=a$ct$p.value[i])); emit(tab,row,"model",c(rmse=sigma(a$m),resid_df=df.residual(a$m))) }
## -- KM ------------------------------------------------------------------------------------------
km_ref <- function(time,ev,g,times,tab,unit) { f<-survfit(Surv(time,ev)~g,conf.type="log-log"); s<-summary(f,times=times,extend=TRUE)
  for(i in seq_along(s$time)) emit(tab,sprintf("%s %g",unit,s$time[i]),sub("^g=","",as.character(s$strata[i])),c(n_risk=s$n.risk[i],surv=s$surv[i],se=s$std.err[i],lo=s$lower[i],hi=s$upper[i]))
  q<-quantile(f,c(.25,.5,.75)); for(i in seq_len(nrow(q$quantile))) emit(tab,"quartiles",sub("^g=","",names(f$strata)[i]),c(n=f$n[i],events=sum(ev[g==sub("^g=","",names(f$strata)[i])]),q25=q$quantile[i,1],q25_lo=q$lower[i,1],q25_hi=q$upper[i,1],median=q$quantile[i,2],median_lo=q$lower[i,2],median_hi=q$upper[i,2],q75=q$quantile[i,3]))
  sd<-survdiff(Surv(time,ev)~g); emit(tab,"log-rank","overall",c(chisq=sd$chisq,df=length(sd$n)-1,p=pchisq(sd$chisq,length(sd$n)-1,lower=FALSE))) 
  for(i in seq_along(sd$n)) emit(tab,"log-rank",sub("^g=","",names(sd$n)[i]),c(obs=sd$obs[i],exp=sd$exp[i])) }
rmst <- function(time,ev,tau){ f<-survfit(Surv(time,ev)~1); t<-summary(f,rmean=tau)$table; c(rmst=t[["rmean"]],se=t[["se(rmean)"]]) }
## -- MMRM helper: fits converged REML, emits cov, coefs, LS means by arm x visit, contrasts ------
mmrm_ref <- function(fml, d, y, id, visit, arm, ref, tab, published=NULL, source="", emm_weights="equal", check=TRUE) {
  d<-d[complete.cases(d[,all.vars(fml)]),]; d[[arm]]<-factor(d[[arm]]); d[[visit]]<-droplevels(factor(d[[visit]])); m<-nlevels(d[[visit]])
  X<-model.matrix(delete.response(terms(fml)),d); qx<-qr(X); keep<-sort(qx$pivot[seq_len(qx$rank)]); X<-X[,keep,drop=FALSE]
  f<-mmrm_suff(X,d[[y]],as.integer(factor(d[[id]])),as.integer(d[[visit]]),m); ij<-th_index(m)
  emit(tab,"fit","model",c(subjects=f$ss$n,records=f$ss$N,n_coef=f$ss$q,n_pattern=length(f$ss$pats),m2reml=f$m2ll,aic=f$m2ll+2*length(f$th),newton_iter=f$iter))
  for(h in seq_along(f$th)) emit(tab,"sigma",sprintf("%d,%d",ij[h,1],ij[h,2]),c(est=f$th[h],se=sqrt(f$Wobs[h,h])))
  for(j in seq_along(f$beta)) emit(tab,"coef",names(f$beta)[j],con1(f,as.numeric(seq_along(f$beta)==j),"satt"))
  lmf<-lm(fml,d); rg<-emmeans(lmf,as.formula(paste("~",arm,"*",visit)),weights=emm_weights); L<-rg@linfct[,keep,drop=FALSE]; gr<-rg@grid
  for(i in seq_len(nrow(L))) { a<-con1(f,L[i,],"satt"); k<-con1(f,L[i,],"kr"); emit(tab,paste("lsmean",gr[i,visit]),as.character(gr[i,arm]),c(lsmean=a[["est"]],se=a[["se"]],df_satt=a[["df"]],lo=a[["lo"]],hi=a[["hi"]],se_kr=k[["se"]],df_kr=k[["df"]],lo_kr=k[["lo"]],hi_kr=k[["hi"]])) }
  for(v in levels(d[[visit]])) { r0<-which(gr[,visit]==v & gr[,arm]==ref); for(a1 in setdiff(levels(d[[arm]]),ref)) { i<-which(gr[,visit]==v & gr[,arm]==a1); Lc<-L[i,]-L[r0,]; a<-con1(f,Lc,"satt");k<-con1(f,Lc,"kr");ke<-con1(f,Lc,"kr_exp")
      key<-paste(a1,"-",ref); pb<-published[[paste(v,key)]]
      emit(tab,paste("diff",v),key,c(diff=a[["est"]],se=a[["se"]],df_satt=a[["df"]],t=a[["t"]],p_satt=a[["p"]],lo=a[["lo"]],hi=a[["hi"]],se_kr=k[["se"]],df_kr=k[["df"]],p_kr=k[["p"]],lo_kr=k[["lo"]],hi_kr=k[["hi"]],se_kr_exp=ke[["se"]],df_kr_exp=ke[["df"]],p_kr_exp=ke[["p"]]),pb,source) } }
  rg2<-emmeans(lmf,as.formula(paste("~",arm)),weights=emm_weights); L2<-rg2@linfct[,keep,drop=FALSE]; g2<-rg2@grid; r0<-which(g2[,arm]==ref)
  for(i in seq_len(nrow(L2))) { a<-con1(f,L2[i,],"satt");k<-con1(f,L2[i,],"kr"); emit(tab,"lsmean averaged over visits",as.character(g2[i,arm]),c(lsmean=a[["est"]],se=a[["se"]],df_satt=a[["df"]],se_kr=k[["se"]],df_kr=k[["df"]]))
    if(i!=r0){ a<-con1(f,L2[i,]-L2[r0,],"satt");k<-con1(f,L2[i,]-L2[r0,],"kr"); emit(tab,"diff averaged over visits",paste(g2[i,arm],"-",ref),c(diff=a[["est"]],se=a[["se"]],df_satt=a[["df"]],p_satt=a[["p"]],se_kr=k[["se"]],df_kr=k[["df"]],p_kr=k[["p"]])) } }
  Lall<-do.call(rbind,lapply(levels(d[[visit]]),function(v){ r0<-which(gr[,visit]==v&gr[,arm]==ref); do.call(rbind,lapply(setdiff(levels(d[[arm]]),ref),function(a1) L[which(gr[,visit]==v&gr[,arm]==a1),]-L[r0,])) }))
  k<-conF_kr(f,Lall); s<-conF_satt(f,Lall); emit(tab,"joint F all arm contrasts","all visits",c(F_kr=k[["F"]],df1=k[["df1"]],df2_kr=k[["df2"]],p_kr=k[["p"]],F_satt=s[["F"]],df2_satt=s[["df2"]],p_satt=s[["p"]]))
  nv<-length(levels(d[[visit]])); na<-length(setdiff(levels(d[[arm]]),ref)); if (nv>1) { Li<-do.call(rbind,lapply(2:nv,function(v) Lall[((v-1)*na+1):(v*na),,drop=FALSE]-Lall[1:na,,drop=FALSE])); k<-conF_kr(f,Li); s<-conF_satt(f,Li); emit(tab,"type 3 F arm x visit","interaction",c(F_kr=k[["F"]],df1=k[["df1"]],df2_kr=k[["df2"]],p_kr=k[["p"]],F_satt=s[["F"]],df2_satt=s[["df2"]],p_satt=s[["p"]])) }
  if (check && requireNamespace("mmrm",quietly=TRUE)) { ff<-as.formula(paste(deparse1(fml),"+ mmrm::us(",visit,"|",id,")")); d[[id]]<-factor(d[[id]]); ff<-as.formula(gsub("mmrm::us","us",deparse1(ff)))
    g<-NULL; for (tl in c(1e-15,1e-13,1e-12,1e-11,1e-10)) { g<-tryCatch(suppressWarnings(mmrm::mmrm(ff,d,optimizer="nlminb",optimizer_control=list(rel.tol=tl,x.tol=tl,eval.max=5000,iter.max=5000),method="Kenward-Roger",vcov="Kenward-Roger-Linear")),error=function(e) NULL); if(!is.null(g)) break }
    if (is.null(g)) { g<-suppressWarnings(mmrm::mmrm(ff,d,method="Kenward-Roger",vcov="Kenward-Roger-Linear")); tl<-NA }
    v<-levels(d[[visit]])[nv]; a1<-setdiff(levels(d[[arm]]),ref)[1]; Lc<-L[which(gr[,visit]==v&gr[,arm]==a1),]-L[which(gr[,visit]==v&gr[,arm]==ref),]; mm<-mmrm::df_1d(g,unname(Lc)); k<-con1(f,Lc,"kr")
    cat(sprintf("  [%s] check vs mmrm(nlminb tol %g): d(-2ll)=%.2e  rel est %.1e se %.1e df %.1e\n",tab,tl,f$m2ll-deviance(g),abs(k[["est"]]/mm$est-1),abs(k[["se"]]/mm$se-1),abs(k[["df"]]/mm$df-1))) }
  invisible(list(f=f,L=L,grid=gr,d=d)) }
