# SPDX-License-Identifier: GPL-3.0-or-later
# Reference MMRM (REML, unstructured, one row per subject x visit), written to be transcribed to C.
# One pass over the data builds, per missingness pattern p, the cross-products of the augmented
# rows [x_ij , y_ij]:  S_p[j,k] = sum_i [x_ij,y_ij]' [x_ik,y_ik]   ((q+1) x (q+1), j,k in pattern)
# after which every REML evaluation / Newton step costs O(#patterns * m^2 * q^2), independent of N.
# theta = the m(m+1)/2 distinct elements of Sigma itself ("linear" parametrisation, as SAS TYPE=UN)
# => d2Sigma/dtheta2 = 0, Kenward-Roger equals SAS DDFM=KR (= mmrm "Kenward-Roger-Linear").

suff_stats <- function(X, y, subj, vis, m) {           # vis in 1..m, no missing y
  o <- order(subj, vis); X <- X[o,,drop=FALSE]; y <- y[o]; subj <- subj[o]; vis <- vis[o]
  q1 <- ncol(X)+1; Z <- cbind(X,y)
  us <- unique(subj); g <- match(subj, us); n <- length(us)
  pos <- matrix(0L, n, m); pos[cbind(g,vis)] <- seq_along(y)          # row index of (subject, visit)
  stopifnot(sum(pos>0)==length(y))                                    # no duplicated subject x visit
  key <- as.vector((pos>0) %*% 2^(0:(m-1))); pats <- list()
  for (k in sort(unique(key))) {
    s <- which(key==k); v <- which(pos[s[1],]>0); mp <- length(v)
    S <- array(0, c(mp*mp, q1*q1))
    for (a in 1:mp) for (b in 1:mp) S[(b-1)*mp+a,] <- crossprod(Z[pos[s,v[a]],,drop=FALSE], Z[pos[s,v[b]],,drop=FALSE])
    pats[[length(pats)+1]] <- list(v=v, n=length(s), S=S)
  }
  list(pats=pats, q=ncol(X), m=m, N=length(y), n=n, xn=colnames(X))
}
th_index <- function(m) { ij <- which(lower.tri(diag(m),diag=TRUE),arr.ind=TRUE); ij[order(ij[,1],ij[,2]),,drop=FALSE] } # (1,1),(2,1),(2,2),...
sig_of <- function(th,m){ ij<-th_index(m); S<-matrix(0,m,m); S[ij]<-th; S[ij[,2:1]]<-th; S }

reml_eval <- function(ss, th, deriv=2) {
  m<-ss$m; q<-ss$q; q1<-q+1; ij<-th_index(m); K<-nrow(ij); Sig<-sig_of(th,m)
  C <- matrix(0,q1,q1); ld <- 0; Wl <- list()
  for (p in seq_along(ss$pats)) { P<-ss$pats[[p]]
    R <- tryCatch(chol(Sig[P$v,P$v,drop=FALSE]), error=function(e) NULL); if (is.null(R)) return(NULL)
    W <- chol2inv(R); Wl[[p]]<-W; ld <- ld + 2*P$n*sum(log(diag(R)))
    C <- C + matrix(crossprod(P$S, as.vector(W)), q1,q1) }
  A <- C[1:q,1:q]; b <- C[1:q,q1]; RA <- tryCatch(chol(A),error=function(e) NULL); if (is.null(RA)) return(NULL)
  Phi <- chol2inv(RA); beta <- drop(Phi %*% b); rss <- C[q1,q1]-sum(b*beta)
  m2 <- ld + 2*sum(log(diag(RA))) + rss + (ss$N-q)*log(2*pi)
  out <- list(m2ll=m2, beta=beta, Phi=Phi, Sigma=Sig, th=th); if (!deriv) return(out)
  a <- c(-beta,1)                                                    # r = Z a
  Pm <- vector("list",K); g <- numeric(K); T1<-matrix(0,K,K); rQr<-matrix(0,K,K); S <- matrix(0,q,K); trQ<-matrix(0,K,K)
  for (h in 1:K) Pm[[h]] <- matrix(0,q,q)
  Q <- if (deriv>1) array(0,c(q*q,K,K)) else NULL
  for (p in seq_along(ss$pats)) { P<-ss$pats[[p]]; W<-Wl[[p]]; v<-P$v; mp<-length(v)
    act <- which(ij[,1] %in% v & ij[,2] %in% v); WD <- vector("list",K)
    for (h in act) { D<-matrix(0,mp,mp); i<-match(ij[h,1],v); j<-match(ij[h,2],v); D[i,j]<-D[j,i]<-1
      WD[[h]] <- W%*%D; M <- WD[[h]]%*%W
      B <- matrix(crossprod(P$S, as.vector(M)),q1,q1)
      Pm[[h]] <- Pm[[h]] - B[1:q,1:q]; Ba <- drop(B%*%a); S[,h] <- S[,h]+Ba[1:q]
      g[h] <- g[h] + P$n*sum(diag(WD[[h]])) - sum(a*Ba) }
    for (h in act) for (l in act[act<=h]) {
      T1[h,l] <- T1[h,l] + P$n*sum(WD[[h]]*t(WD[[l]]))
      N <- WD[[h]]%*%WD[[l]]%*%W; B <- matrix(crossprod(P$S, as.vector(N)),q1,q1)
      Q[,h,l] <- Q[,h,l] + as.vector(B[1:q,1:q]); rQr[h,l] <- rQr[h,l] + sum(a*(B%*%a)) } }
  PhiP <- lapply(Pm, function(x) Phi%*%x)
  for (h in 1:K) g[h] <- g[h] + sum(diag(PhiP[[h]]))
  Iexp<-matrix(0,K,K); H<-matrix(0,K,K)
  for (h in 1:K) for (l in 1:h) { tq <- 2*sum(Phi*matrix(Q[,h,l],q,q)); tp <- sum(PhiP[[h]]*t(PhiP[[l]]))
    Iexp[h,l]<-Iexp[l,h] <- T1[h,l]-tq+tp
    H[h,l]<-H[l,h] <- -T1[h,l]+tq-tp+2*rQr[h,l]-2*drop(S[,h]%*%Phi%*%S[,l]) }
  c(out, list(grad=g, Iexp=Iexp, H=H, P=Pm, Q=Q))                    # grad/H/Iexp of -2*REML loglik
}

mmrm_suff <- function(X, y, subj, vis, m, tol=1e-10, maxit=100, trace=FALSE) {
  ss <- suff_stats(X,y,subj,vis,m)
  b0 <- qr.coef(qr(X),y); r <- y - drop(X%*%b0)                       # start: pairwise residual covariance (made PD)
  Rm <- matrix(NA_real_, ss$n, m); Rm[cbind(match(subj,unique(subj)),vis)] <- r
  S0 <- cov(Rm,use="pairwise.complete.obs"); S0[is.na(S0)]<-0; e<-eigen(S0); S0 <- e$vectors%*%diag(pmax(e$values,1e-3*max(e$values)),m)%*%t(e$vectors)
  th <- S0[th_index(m)]; cur <- reml_eval(ss,th); it<-0
  repeat { it<-it+1
    Hm <- cur$H; ok <- !inherits(try(chol(Hm),silent=TRUE),"try-error"); if (!ok) Hm <- cur$Iexp   # Newton, Fisher scoring when H is not PD
    d <- -drop(solve(Hm,cur$grad)); dec <- -sum(d*cur$grad); s<-1
    repeat { nw <- reml_eval(ss,th+s*d); if (!is.null(nw) && nw$m2ll <= cur$m2ll+1e-9*(1+abs(cur$m2ll))) break; s<-s/2; if (s<1e-8) break }
    if (trace) cat(sprintf("it %d -2ll %.10f decrement %.3e step %g %s\n",it,cur$m2ll,dec,s,if(ok)"NR" else "FS"))
    if (is.null(nw)) stop("step"); th <- th+s*d; cur <- nw
    if (dec < tol && s==1) break; if (it>=maxit) stop("no convergence") }
  cur$iter<-it; cur$ss<-ss; cur$Wobs <- 2*solve(cur$H); cur$Wexp <- 2*solve(cur$Iexp)  # asymptotic cov of theta
  K<-length(th); q<-ss$q                                             # Kenward-Roger adjusted covariance (linear: R_hl = 0)
  kr <- function(W){ M<-matrix(0,q,q); for (h in 1:K) for (l in 1:K) { Qhl <- if (h>=l) matrix(cur$Q[,h,l],q,q) else t(matrix(cur$Q[,l,h],q,q))
      M <- M + W[h,l]*(Qhl - cur$P[[h]]%*%cur$Phi%*%cur$P[[l]]) }; cur$Phi + 2*cur$Phi%*%M%*%cur$Phi }
  cur$PhiA <- kr(cur$Wobs); cur$PhiA_exp <- kr(cur$Wexp)      # W = inverse OBSERVED information, as SAS and mmrm; KR 1997 / pbkrtest use the expected one
  names(cur$beta)<-ss$xn; cur
}
con1 <- function(f, L, method=c("satt","kr","kr_exp")) {             # one-row contrast
  method<-match.arg(method); est<-sum(L*f$beta); v0<-drop(L%*%f$Phi%*%L)
  w <- drop(f$Phi%*%L); g <- sapply(f$P, function(P) -drop(w%*%P%*%w))   # d(L Phi L')/dtheta_h = -L Phi P_h Phi L'
  W <- if (method=="kr_exp") f$Wexp else f$Wobs
  df <- 2*v0^2/drop(g%*%W%*%g); se <- sqrt(switch(method, satt=v0, kr=drop(L%*%f$PhiA%*%L), kr_exp=drop(L%*%f$PhiA_exp%*%L)))
  tq<-qt(.975,df); t<-est/se
  c(est=est,se=se,df=df,t=t,p=2*pt(-abs(t),df),lo=est-tq*se,hi=est+tq*se)
}
conF_kr <- function(f, L) {                                          # multi-row: Kenward-Roger F
  l<-nrow(L); Phi<-f$Phi; Th<-t(L)%*%solve(L%*%Phi%*%t(L))%*%L; K<-length(f$P); A1<-A2<-0; W<-f$Wobs
  TP<-lapply(f$P,function(P) Th%*%Phi%*%P%*%Phi)
  for (h in 1:K) for (k in 1:K) { A1<-A1+W[h,k]*sum(diag(TP[[h]]))*sum(diag(TP[[k]])); A2<-A2+W[h,k]*sum(TP[[h]]*t(TP[[k]])) }
  B<-(A1+6*A2)/(2*l); g<-((l+1)*A1-(l+4)*A2)/((l+2)*A2); d<-3*l+2*(1-g); c1<-g/d; c2<-(l-g)/d; c3<-(l+2-g)/d
  E<-1/(1-A2/l); V<-(2/l)*(1+c1*B)/((1-c2*B)^2*(1-c3*B)); rho<-V/(2*E^2); df2<-4+(l+2)/(l*rho-1); lam<-df2/(E*(df2-2))
  b<-drop(L%*%f$beta); F0<-drop(b%*%solve(L%*%f$PhiA%*%t(L),b))/l; c(F=lam*F0,df1=l,df2=df2,p=pf(lam*F0,l,df2,lower.tail=FALSE),lambda=lam)
}
conF_satt <- function(f, L) {                                        # multi-row: Fai-Cornelius (lmerTest / mmrm)
  C<-L%*%f$Phi%*%t(L); e<-eigen(C,symmetric=TRUE); l<-sum(e$values>max(e$values)*1e-12); Pt<-t(e$vectors)%*%L
  nu<-numeric(l); t2<-numeric(l)
  for (i in 1:l) { cc<-con1(f,Pt[i,],"satt"); nu[i]<-cc["df"]; t2[i]<-sum(Pt[i,]*f$beta)^2/e$values[i] }
  E<-sum((nu/(nu-2))[nu>2]); df2<- if (l==1) nu[1] else if (max(nu)-min(nu)<1e-8*max(nu)) mean(nu) else if (E>l) 2*E/(E-l) else 0
  F0<-sum(t2)/l; c(F=F0,df1=l,df2=df2,p=pf(F0,l,df2,lower.tail=FALSE))
}
