/* A barrier method for the cone programs that `cvxtoken library export DIR` writes, in plain C.

       cc -O2 -o newton newton.c -lm
       cd DIR && newton $(find . -name '*.cbf' | cut -c 3-) > answers.jsonl
       cvxtoken library score . answers.jsonl

   It minimises t q'v + F(A v + b) by Newton's method for ever larger t, where F is the sum of the logarithmic
   barriers of the cones; nu / t bounds the gap, nu being F's parameter, and z = -F'(s) / t is a dual point.
   A first phase minimises tau over A v + b + tau e in K and |v| < RADIUS, e inside K. It is small, not good:
   matrices are dense, and where it does not get through it says 'failed', or 'optimal_inaccurate'; of whole
   numbers it says 'unsupported'. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { LINEAR, QUADRATIC, EXPONENTIAL, LARGEST = 450, STEPS = 200 };
static const double RADIUS = 1e6, GAP = 1e-9;

typedef struct { int row, column; double value; } Entry;
typedef struct { int kind, start, rows; } Cone;
typedef struct {
    int n, m, cones, entries, integers;
    int *first; /* of each row, in the sorted entries */
    Entry *A;
    Cone *K;
    double *q, *b, offset;
} Program;

static void *zeros(size_t count, size_t size) {
    void *p = calloc(count ? count : 1, size);
    if (!p) exit(2);
    return p;
}

static int by_row(const void *a, const void *b) { return ((const Entry *)a)->row - ((const Entry *)b)->row; }

/* The reader: minimise q'v + offset subject to A v + b in K. One word, then the numbers that belong to it. */
static int read_cbf(const char *path, Program *p) {
    FILE *f = fopen(path, "r");
    char word[64];
    int count, i, row;
    double x;
    memset(p, 0, sizeof *p);
    if (!f) return 0;
    while (fscanf(f, "%63s", word) == 1) {
        if (!strcmp(word, "INT")) {
            if (fscanf(f, "%d", &p->integers) != 1) break; /* the columns themselves are passed over */
        } else if (!strcmp(word, "VAR")) {
            if (fscanf(f, "%d %*d F %*d", &p->n) != 1) break;
            p->q = zeros(p->n + 1, sizeof(double));
        } else if (!strcmp(word, "CON")) {
            if (fscanf(f, "%d %d", &p->m, &p->cones) != 2) break;
            p->b = zeros(p->m, sizeof(double));
            p->K = zeros(p->cones, sizeof(Cone));
            for (i = row = 0; i < p->cones && fscanf(f, "%63s %d", word, &count) == 2; i++, row += count)
                p->K[i] = (Cone){word[0] == 'L' ? LINEAR : word[0] == 'Q' ? QUADRATIC : EXPONENTIAL, row, count};
        } else if (!strcmp(word, "OBJBCOORD")) {
            if (fscanf(f, "%lf", &p->offset) != 1) break;
        } else if (!strcmp(word, "OBJACOORD") || !strcmp(word, "BCOORD")) {
            double *into = word[0] == 'O' ? p->q : p->b;
            if (fscanf(f, "%d", &count) != 1) break;
            while (count-- && fscanf(f, "%d %lf", &i, &x) == 2) into[i] = x;
        } else if (!strcmp(word, "ACOORD")) {
            if (fscanf(f, "%d", &p->entries) != 1) break;
            p->A = zeros(p->entries + p->m, sizeof(Entry)); /* the first phase adds one to a row */
            for (i = 0; i < p->entries; i++)
                if (fscanf(f, "%d %d %lf", &p->A[i].row, &p->A[i].column, &p->A[i].value) != 3) break;
        }
    }
    fclose(f);
    return p->n > 0 && p->A != NULL;
}

static void sort_rows(Program *p) {
    int i;
    qsort(p->A, p->entries, sizeof(Entry), by_row);
    free(p->first);
    p->first = zeros(p->m + 1, sizeof(int));
    for (i = 0; i < p->entries; i++) p->first[p->A[i].row + 1]++;
    for (i = 0; i < p->m; i++) p->first[i + 1] += p->first[i];
}

static void slacks(const Program *p, const double *v, double *s) {
    int k;
    memcpy(s, p->b, p->m * sizeof(double));
    for (k = 0; k < p->entries; k++) s[p->A[k].row] += p->A[k].value * v[p->A[k].column];
}

/* The barrier of one cone at s, infinite outside; its gradient and Hessian (rows x rows) if g is given. */
static double barrier(const Cone *c, const double *s, double *g, double *H) {
    int i, j, k = c->rows;
    double F = 0, norm = 0, D;
    if (c->kind == LINEAR) {
        for (i = 0; i < k; i++) {
            if (!(s[i] > 0)) return INFINITY;
            F -= log(s[i]);
            if (g) g[i] = -1 / s[i], H[i * k + i] = 1 / (s[i] * s[i]);
        }
        return F;
    }
    if (c->kind == QUADRATIC) { /* -log(s_0^2 - |s'|^2) */
        for (i = 1; i < k; i++) norm = hypot(norm, s[i]);
        D = (s[0] - norm) * (s[0] + norm);
        if (!(s[0] > norm)) return INFINITY;
        for (i = 0; g && i < k; i++) g[i] = (i ? 2 : -2) * s[i] / D;
        for (i = 0; g && i < k; i++)
            for (j = 0; j < k; j++) H[i * k + j] = g[i] * g[j] + (i == j ? (i ? 2 / D : -2 / D) : 0);
        return -log(D);
    }
    /* s_1 e^(s_2 / s_1) <= s_0: -log h - log s_0 - log s_1 with h = s_1 log(s_0 / s_1) - s_2 */
    if (!(s[0] > 0 && s[1] > 0)) return INFINITY;
    D = s[1] * log(s[0] / s[1]) - s[2];
    if (!(D > 0)) return INFINITY;
    if (g) {
        double h[3] = {s[1] / s[0], log(s[0] / s[1]) - 1, -1};
        double second[9] = {-s[1] / (s[0] * s[0]), 1 / s[0], 0, 1 / s[0], -1 / s[1], 0, 0, 0, 0};
        for (i = 0; i < 3; i++) g[i] = -h[i] / D - (i < 2 ? 1 / s[i] : 0);
        for (i = 0; i < 9; i++) H[i] = h[i / 3] * h[i % 3] / (D * D) - second[i] / D;
        for (i = 0; i < 2; i++) H[4 * i] += 1 / (s[i] * s[i]);
    }
    return -log(D) - log(s[0]) - log(s[1]);
}

/* t q'v + F; in the first phase the last variable is tau, and the others stay in a ball */
static double merit(const Program *p, const double *v, double t, int ball, double *s) {
    int i;
    double sum = 0, square = 0;
    slacks(p, v, s);
    for (i = 0; i < p->n; i++) sum += t * p->q[i] * v[i];
    for (i = 0; i < p->cones && isfinite(sum); i++) sum += barrier(&p->K[i], s + p->K[i].start, NULL, NULL);
    for (i = 0; ball && i < p->n - 1; i++) square += v[i] * v[i];
    if (!ball) return sum;
    return square < RADIUS * RADIUS ? sum - log(1 - square / (RADIUS * RADIUS)) : INFINITY;
}

/* Gradient and Hessian of the merit, and the barrier's gradient in the slacks. */
static void derivatives(const Program *p, const double *v, double t, int ball, const double *s, double *g,
                        double *H, double *gs) {
    int c, i, j, a, b, n = p->n;
    double square = 0, R = RADIUS * RADIUS;
    memset(H, 0, (size_t)n * n * sizeof(double));
    for (i = 0; i < n; i++) g[i] = t * p->q[i];
    for (c = 0; c < p->cones; c++) {
        const Cone *K = &p->K[c];
        int k = K->rows;
        double *Hs = zeros((size_t)k * k, sizeof(double));
        barrier(K, s + K->start, gs + K->start, Hs);
        for (i = 0; i < k; i++)
            for (a = p->first[K->start + i]; a < p->first[K->start + i + 1]; a++) {
                g[p->A[a].column] += gs[K->start + i] * p->A[a].value;
                for (j = 0; j < k; j++)
                    for (b = p->first[K->start + j]; Hs[i * k + j] != 0 && b < p->first[K->start + j + 1]; b++)
                        H[p->A[a].column * n + p->A[b].column] += p->A[a].value * Hs[i * k + j] * p->A[b].value;
            }
        free(Hs);
    }
    for (i = 0; ball && i < n - 1; i++) square += v[i] * v[i];
    for (i = 0; ball && i < n - 1; i++) {
        g[i] += 2 * v[i] / (R - square);
        for (j = 0; j < n - 1; j++)
            H[i * n + j] += 4 * v[i] * v[j] / ((R - square) * (R - square)) + (i == j ? 2 / (R - square) : 0);
    }
}

/* Solve H d = -g by Cholesky's factors, of H scaled to a unit diagonal; 0 where H is not positive. */
static int newton_step(int n, double *H, const double *g, double *d) {
    int i, j, k;
    double *scale = zeros(n, sizeof(double)), x;
    for (i = 0; i < n; i++) scale[i] = 1 / sqrt(H[i * n + i]);
    for (i = 0; i < n; i++)
        for (j = 0; j <= i; j++) H[i * n + j] = H[i * n + j] * scale[i] * scale[j] + (i == j ? 1e-15 : 0);
    for (i = 0; i < n; i++) {
        for (j = 0; j <= i; j++) {
            for (x = H[i * n + j], k = 0; k < j; k++) x -= H[i * n + k] * H[j * n + k];
            if (i == j && !(x > 0)) return free(scale), 0;
            H[i * n + j] = i == j ? sqrt(x) : x / H[j * n + j];
        }
        for (x = -g[i] * scale[i], k = 0; k < i; k++) x -= H[i * n + k] * d[k];
        d[i] = x / H[i * n + i];
    }
    for (i = n - 1; i >= 0; i--) {
        for (x = d[i], k = i + 1; k < n; k++) x -= H[k * n + i] * d[k];
        d[i] = x / H[i * n + i];
    }
    for (i = 0; i < n; i++) d[i] *= scale[i];
    free(scale);
    return 1;
}

/* Follow the path from v for growing t. The first phase ends where tau < 0 (1) or cannot be (-1); the second
   where the gap is small (1; 2 where A'z + q is not). 0: it did not get through. */
static int follow(const Program *p, double *v, int first_phase, double *z) {
    int n = p->n, i, step, result = 0;
    double nu = first_phase, t = 1, *s = zeros(p->m, sizeof(double)), *gs = zeros(p->m, sizeof(double));
    double *g = zeros(n, sizeof(double)), *d = zeros(n, sizeof(double)), *to = zeros(n, sizeof(double));
    double *H = zeros((size_t)n * n, sizeof(double));
    for (i = 0; i < p->cones; i++)
        nu += p->K[i].kind == LINEAR ? p->K[i].rows : p->K[i].kind == QUADRATIC ? 2 : 3;
    for (; t < 1e18 && !result; t *= 8) {
        double decrement = INFINITY, F = 0, value;
        for (step = 0; step < STEPS && decrement > 1e-9; step++) {
            double at = merit(p, v, t, first_phase, s), size = 1;
            derivatives(p, v, t, first_phase, s, g, H, gs);
            if (!newton_step(n, H, g, d)) break;
            for (decrement = 0, i = 0; i < n; i++) decrement -= g[i] * d[i];
            for (;; size /= 2) {
                for (i = 0; i < n; i++) to[i] = v[i] + size * d[i];
                value = merit(p, to, t, first_phase, s);
                if (size < 1e-12 || value <= at - 0.1 * size * decrement + 1e-14 * fabs(at)) break;
            }
            if (size < 1e-12) break;
            memcpy(v, to, n * sizeof(double));
            if (first_phase && v[n - 1] < 0) break;
        }
        for (i = 0; i < n; i++) F += p->q[i] * v[i];
        if (first_phase && v[n - 1] < 0) result = 1;
        else if (decrement > 1e-3) break; /* rounding, or too many steps: not on the path */
        else if (first_phase && v[n - 1] > 1e-5 && v[n - 1] - 2 * nu / t > 0) result = -1;
        else if (!first_phase && nu / t < GAP * (1 + fabs(F + p->offset))) result = 1;
        if (result && !first_phase) {
            merit(p, v, t, 0, s);
            derivatives(p, v, t, 0, s, g, H, gs);
            for (i = 0; i < p->m; i++) z[i] = -gs[i] / t;
            for (i = 0; i < n; i++)
                if (fabs(g[i]) > 1e-5 * t * (1e-3 + fabs(p->q[i]))) result = 2;
        }
    }
    free(s), free(gs), free(g), free(d), free(to), free(H);
    return result;
}

/* A point inside: minimise tau, from v = 0 and a large tau. 1 found, -1 there is none, 0 not known. */
static int first_phase(const Program *p, double *v) {
    Program q = *p;
    int i, c, result;
    double *s = zeros(p->m, sizeof(double)), *u = zeros(p->n + 1, sizeof(double));
    q.A = zeros(p->entries + p->m, sizeof(Entry));
    memcpy(q.A, p->A, p->entries * sizeof(Entry));
    q.q = zeros(p->n + 1, sizeof(double));
    q.q[q.n++] = 1;
    q.first = NULL;
    for (c = 0; c < p->cones; c++)
        for (i = 0; i < p->K[c].rows; i++) {
            double e = p->K[c].kind == LINEAR ? 1 : p->K[c].kind == QUADRATIC ? i == 0 : i < 2 ? 1 : -1;
            if (e != 0) q.A[q.entries++] = (Entry){p->K[c].start + i, p->n, e};
        }
    sort_rows(&q);
    for (u[p->n] = 1; !isfinite(merit(&q, u, 0, 1, s)) && u[p->n] < 1e12;) u[p->n] *= 2;
    result = follow(&q, u, 1, NULL);
    memcpy(v, u, p->n * sizeof(double));
    free(s), free(u), free(q.A), free(q.q), free(q.first);
    return result;
}

static void list(const char *name, const double *x, int n) {
    int i;
    printf(", \"%s\": [", name);
    for (i = 0; i < n; i++) printf("%s%.17g", i ? ", " : "", x[i]);
    printf("]");
}

int main(int count, char **paths) {
    int k, i;
    for (k = 1; k < count; k++) {
        Program p;
        clock_t start = clock();
        char *ending = strrchr(paths[k], '.');
        int id = ending ? (int)(ending - paths[k]) : (int)strlen(paths[k]);
        if (!read_cbf(paths[k], &p)) return fprintf(stderr, "%s: cannot be read\n", paths[k]), 2;
        sort_rows(&p);
        double *v = zeros(p.n, sizeof(double)), *z = zeros(p.m, sizeof(double)), F = p.offset;
        int fits = p.n <= LARGEST && !p.integers;
        int inside = fits ? first_phase(&p, v) : 0;
        int solved = inside == 1 ? follow(&p, v, 0, z) : 0;
        printf("{\"id\": \"%.*s\", \"status\": \"%s\"", id, paths[k],
               !fits           ? "unsupported"
               : solved == 1   ? "optimal"
               : solved == 2   ? "optimal_inaccurate"
               : inside == -1 ? "infeasible"
                               : "failed");
        if (solved) {
            for (i = 0; i < p.n; i++) F += p.q[i] * v[i];
            printf(", \"objective\": %.17g", F);
            list("x", v, p.n);
            list("z", z, p.m);
        }
        printf(", \"seconds\": %.6f}\n", (double)(clock() - start) / CLOCKS_PER_SEC);
        fflush(stdout);
        free(v), free(z), free(p.A), free(p.K), free(p.q), free(p.b), free(p.first);
    }
    return 0;
}
